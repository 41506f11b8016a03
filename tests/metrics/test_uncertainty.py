"""Intervals of one cell: known values, width at the edges, coverage by simulation."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cvit_bench.errors import MetricUndefinedError
from cvit_bench.metrics.uncertainty import mean_interval, t_interval, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_wilson_known_values(successes, n, low, high):
    """The last two rows are the worked examples of Newcombe (1998), method 3."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_holds_the_share_and_has_width(n, share, level):
    low, high = wilson(share * n, n, level)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0
    assert high - low > 0


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_wilson_agrees_with_scipy(n, data):
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_student_agrees_with_scipy():
    values = np.array([0.2, 0.4, 0.9, 0.35, 0.6])
    expected = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
    assert t_interval(values) == pytest.approx(expected)


def test_equal_values_fall_back_to_hoeffding():
    half = math.sqrt(math.log(40) / (2 * 50))
    assert t_interval(np.full(50, 0.5)) == pytest.approx((0.5 - half, 0.5 + half))
    assert t_interval(np.full(50, 0.9)) == pytest.approx((0.9 - half, 1.0))
    assert t_interval(np.full(50, 4.0), bounds=(0.0, 10.0)) == pytest.approx((4 - 10 * half, 4 + 10 * half))


def test_one_value_says_nothing():
    assert t_interval(np.array([0.3])) == (0.0, 1.0)
    assert mean_interval(np.array([7.0]), bounds=(0.0, 10.0)) == (7.0, 0.0, 10.0)


def test_mean_interval_chooses_by_the_values():
    binary = np.array([0.0, 1.0, 1.0, 1.0])
    assert mean_interval(binary) == pytest.approx((0.75, *wilson(3, 4)))
    graded = np.array([0.0, 0.3, 0.4, 0.5])
    mean, low, high = mean_interval(graded)
    assert mean == pytest.approx(0.3)
    assert (low, high) == (0.0, t_interval(graded)[1])  # Student's lower end is below 0, where no score is


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_width_at_the_edges(share):
    mean, low, high = mean_interval(np.full(100, share))
    assert mean == share
    assert high - low > 0.03


@pytest.mark.parametrize("compute", [t_interval, mean_interval])
def test_no_sample_is_undefined(compute):
    with pytest.raises(MetricUndefinedError):
        compute(np.array([]))
    with pytest.raises(MetricUndefinedError):
        wilson(0, 0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_wilson_covers_the_truth(share):
    draws = np.random.default_rng(11).binomial(200, share, size=2000)
    covered = [low <= share <= high for low, high in (wilson(float(draw), 200) for draw in draws)]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_student_covers_the_truth():
    samples = np.random.default_rng(12).beta(2, 3, size=(2000, 60))
    covered = [low <= 0.4 <= high for low, high in (t_interval(sample) for sample in samples)]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean_interval(np.array([1.0]))
        mean_interval(np.array([0.5]))
