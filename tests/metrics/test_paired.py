"""Tests of pairs against scipy and literal enumeration."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cvit_bench.metrics.paired import detectable, holm, mcnemar, paired_test, permutation


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test(lost, gained):
    expected = stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(lost, gained) == pytest.approx(expected)


def test_mcnemar_counted_out():
    """5 samples differ, 1 of them is lost: 12 of the 32 ways to deal the signs are as far or farther off."""
    ways = [sum(signs) for signs in itertools.product((0, 1), repeat=5)]
    assert mcnemar(1, 4) == pytest.approx(sum(way <= 1 or way >= 4 for way in ways) / 32)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_permutation_is_the_share_of_all_sign_changes(changes):
    changes = np.array(changes) / 4
    sums = [abs(np.dot(signs, changes)) for signs in itertools.product((-1, 1), repeat=len(changes))]
    expected = np.mean([total >= abs(changes.sum()) - 1e-9 for total in sums])
    assert permutation(changes) == pytest.approx(expected)


def test_permutation_agrees_with_scipy():
    changes = np.random.default_rng(0).normal(0.15, 1, 120)
    expected = stats.permutation_test(
        (changes,), np.mean, permutation_type="samples", n_resamples=20_000, random_state=1
    ).pvalue
    assert permutation(changes) == pytest.approx(expected, abs=0.015)


def test_permutation_of_right_and_wrong_is_mcnemar():
    """The same hypothesis, the same distribution: once in closed form and once enumerated."""
    first, second = np.array([1.0] * 3 + [0.0] * 20), np.array([0.0] * 3 + [1.0] * 8 + [0.0] * 12)
    assert permutation(second - first) == pytest.approx(mcnemar(3, 8))


def test_the_test_follows_the_scores_and_the_clusters():
    first, second = np.array([0.0, 1, 1, 0]), np.array([1.0, 1, 0, 1])
    alone = np.arange(4)
    found = paired_test(first, second, alone)
    assert (found.test, found.p) == ("mcnemar", mcnemar(1, 2))
    assert found.effect == pytest.approx(2 / 3 - 0.5)
    assert paired_test(first / 2, second, alone).test == "permutation"
    assert paired_test(first, second, np.array([0, 0, 1, 1])).test == "permutation"


def test_wordings_of_a_sample_are_no_new_samples():
    """Ten copies of eight samples are no better evidence than the eight."""
    first, second = np.zeros(8), np.array([1.0] * 5 + [0.0] * 3)
    one = paired_test(first, second, np.arange(8))
    many = paired_test(np.repeat(first, 10), np.repeat(second, 10), np.repeat(np.arange(8), 10))
    assert many.p == pytest.approx(one.p)


def test_no_difference():
    same = np.array([0.0, 1.0, 0.5])
    found = paired_test(same, same, np.arange(3))
    assert (found.p, found.effect) == (1.0, None)
    assert paired_test(np.ones(3), np.ones(3), np.arange(3)).p == 1.0


def test_permutation_of_many_clusters_takes_little_memory():
    """The signs of a few permutations at a time: all of a thousand would be three times 80 MB here."""
    changes = np.random.default_rng(5).normal(0.02, 1, 10_000)
    tracemalloc.start()
    found = permutation(changes, permutations=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6
    signs = np.random.default_rng((0, len(changes))).integers(2, size=(1000, len(changes))) * 2.0 - 1
    assert found == (np.sum(np.abs(signs @ changes) >= abs(changes.sum())) + 1) / 1001


def test_permutation_is_calibrated():
    """Without a difference p ≤ .05 in at most one of twenty runs, up to noise."""
    generator = np.random.default_rng(3)
    found = [permutation(generator.standard_t(4, 40), permutations=400) for _ in range(400)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.085


def test_holm_by_hand():
    """.01·4, max(.04, .02·3), max(.06, .03·2), max(.06, .9·1)."""
    assert holm([0.02, 0.9, 0.01, 0.03]) == pytest.approx([0.06, 0.9, 0.04, 0.06])
    assert holm([]) == []
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_stepwise_rule_rejects(p_values):
    """Literal rule: from the smallest on, reject while p ≤ α/(number left)."""
    alpha, left, rejected = 0.05, len(p_values), set()
    for at in sorted(range(len(p_values)), key=lambda at: p_values[at]):
        if p_values[at] * left > alpha:
            break
        rejected.add(at)
        left -= 1
    assert {at for at, p in enumerate(holm(p_values)) if p <= alpha} == rejected


def test_what_is_detectable_is_detected_four_times_in_five():
    generator = np.random.default_rng(4)
    error = 0.7
    effect = detectable(generator.normal(0, error, 50_000))
    assert effect == pytest.approx(2.80 * error, rel=0.02)
    seen = np.abs(generator.normal(effect, error, 20_000)) > 1.96 * error
    assert seen.mean() == pytest.approx(0.8, abs=0.01)
