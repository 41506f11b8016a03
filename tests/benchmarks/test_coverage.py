"""Intervals hold the truth about as often as they say; the whole table is benchmarks/coverage.py."""

import numpy as np
import pytest

from benchmarks.bootstrap import layout
from benchmarks.coverage import PAIRS, SETTINGS, change_coverage, coverage, judged, simulated, truth
from cvit_bench.metrics.knowledge import matrices
from cvit_bench.metrics.resampling import field_means

RUNS = 200


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ranked, 300 pictures", "lenient, 300 pictures"])
def test_intervals_cover(name):
    """With 200 runs the share that is held at 95 % has a standard error of 1.5 points."""
    found = coverage(SETTINGS[name], RUNS, resamples=500)
    assert all(0.9 <= share <= 0.99 for share in found.values()), found
    assert 0.925 <= np.mean(list(found.values())) <= 0.975, found


@pytest.mark.slow
def test_intervals_of_a_change_cover():
    found = change_coverage(*PAIRS["second − first, ranked, 300 pictures"], RUNS // 2, resamples=300)
    assert all(share >= 0.88 for share in found.values()), found


@pytest.mark.slow
def test_where_wordings_differ_intervals_cover_if_these_are_drawn_too():
    fixed, drawn = (coverage(SETTINGS[name], 60, resamples=300) for name in SETTINGS if "differ" in name)
    assert fixed["AP"] < 0.7
    assert all(fixed[name] < drawn[name] and drawn[name] >= 0.9 for name in drawn), (fixed, drawn)


@pytest.mark.parametrize("name", [name for name, one in SETTINGS.items() if not one.by_wording])
def test_the_truth_is_what_large_runs_come_to(name):
    """The closed form against 20,000 pictures a task."""
    setting = SETTINGS[name]
    about = layout(*setting.known.shape)
    run = simulated(setting, np.random.default_rng(1), pictures=20_000)
    found = judged(matrices(field_means(run, about.tasks), about))
    goal = truth(setting, about)
    assert {metric: float(value) for metric, value in found.items()} == pytest.approx(goal, abs=1.0)
