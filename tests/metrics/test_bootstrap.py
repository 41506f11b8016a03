"""The paired bootstrap: coverage, pairing, clusters, holes, determinism."""

import importlib
import time

import numpy as np
import pytest

from cvit_bench.metrics import ap, bwt_tm1, forgetting, fwt, unseen
from cvit_bench.metrics.uncertainty import bootstrap_metrics, wilson
from cvit_bench.records.matrix import ScoreMatrix

CHANGE = {"ap": ap.compute, "bwt_tm1": bwt_tm1.compute}
ALL = [
    "ap", "ap_no_caption", "map", "learning_accuracy", "bwt_tm1", "bwt_t", "forgetting", "fwt", "mif",
    "form_bwt", "unseen", "unseen_change",
]  # fmt: skip


def _template(num_stages, num_tasks, num_unseen=0):
    tasks = tuple(f"t{at}" for at in range(num_tasks))
    trained = ((), *((task,) for task in tasks[: num_stages - 1]))
    values = np.full((num_stages, num_tasks), np.nan)
    return ScoreMatrix(values, tuple(map(str, range(num_stages))), tasks, trained, num_unseen)


def _coins(generator, shares, num):
    """Draw 0 or 100 for each stage and sample."""
    return 100.0 * (generator.random((len(shares), num)) < np.array(shares)[:, None])


def test_intervals_hold_the_point_estimate():
    generator = np.random.default_rng(0)
    parts = {"t0": _coins(generator, (0.1, 0.9, 0.5), 400), "t1": _coins(generator, (0.2, 0.3, 0.8), 400)}
    found = bootstrap_metrics(parts, _template(3, 2), CHANGE)
    means = np.stack([parts["t0"].mean(axis=1), parts["t1"].mean(axis=1)], axis=1)
    low, high = found["ap"]
    assert low < means[2].mean() < high
    assert high - low == pytest.approx(6.7, abs=1)  # 2·1.96·√(.25 + .16)/2/√400
    low, high = found["bwt_tm1"]
    assert low < means[2, 0] - means[1, 0] < high


def test_one_proportion_agrees_with_wilson():
    parts = {"t0": _coins(np.random.default_rng(1), (0.5, 0.3), 500)}
    found = bootstrap_metrics(parts, _template(2, 1), {"ap": ap.compute}, resamples=4000)
    assert found["ap"] == pytest.approx(
        [100 * end for end in wilson(parts["t0"][1].sum() / 100, 500)], abs=0.5
    )


def test_stages_share_the_draw():
    """Stages that agree sample by sample differ by nothing in every resample: no width."""
    row = _coins(np.random.default_rng(2), (0.5,), 100)[0]
    parts = {"t0": np.stack([row, row, row]), "t1": _coins(np.random.default_rng(3), (0.1, 0.2, 0.9), 100)}
    assert bootstrap_metrics(parts, _template(3, 2), CHANGE)["bwt_tm1"] == pytest.approx((0.0, 0.0))


def test_clusters_widen_the_interval():
    """Ten copies of each of 50 samples carry the information of 50, and the interval says so."""
    few = _coins(np.random.default_rng(4), (0.5, 0.5), 50)
    many, template, only = np.repeat(few, 10, axis=1), _template(2, 1), {"ap": ap.compute}
    honest = bootstrap_metrics({"t0": few}, template, only)["ap"]
    naive = bootstrap_metrics({"t0": many}, template, only)["ap"]
    clustered = bootstrap_metrics(
        {"t0": many}, template, only, clusters={"t0": np.repeat(np.arange(50), 10)}
    )["ap"]
    assert clustered == pytest.approx(honest)
    assert honest[1] - honest[0] > 2.5 * (naive[1] - naive[0])


def test_clusters_of_unequal_size_are_weighed_by_samples():
    """One cluster of 9 right answers and one of a single wrong one: 0, 90 or 100, never 50."""
    parts = {"t0": np.array([[0.0] * 10, [100.0] * 9 + [0.0]])}
    ids = np.array([7] * 9 + [-3])
    seen = []
    bootstrap_metrics(
        parts, _template(2, 1), {"ap": lambda m: seen.append(ap.compute(m)) or 0.0}, clusters={"t0": ids}
    )
    assert {round(value) for value in seen} == {0, 90, 100}


def test_what_was_not_run_is_undefined():
    generator = np.random.default_rng(5)
    lower = {
        "t0": _coins(generator, (0.1, 0.9, 0.5, 0.4), 50),
        "t1": _coins(generator, (0.1, 0.2, 0.8, 0.6), 50),
    }
    lower["t2"] = _coins(generator, (0.1, 0.2, 0.3, 0.9), 50)
    lower["t0"][0] = lower["t1"][:2] = lower["t2"][:3] = np.nan
    metrics = {
        "ap": ap.compute,
        "fwt": fwt.compute,
        "forgetting": forgetting.compute,
        "unseen": unseen.compute,
    }
    found = bootstrap_metrics(lower, _template(4, 3), metrics)
    assert found["ap"] is not None
    assert (found["fwt"], found["forgetting"], found["unseen"]) == (None, None, None)
    del lower["t2"]
    assert bootstrap_metrics(lower, _template(4, 3), metrics)["ap"] is None


def test_the_seed_decides_and_other_tasks_do_not():
    parts = {"t0": _coins(np.random.default_rng(6), (0.5, 0.6), 80)}
    only = {"ap": lambda matrix: float(matrix.cell(1, "t0"))}
    one = bootstrap_metrics(parts, _template(2, 1), only, seed=3)
    assert bootstrap_metrics(parts, _template(2, 1), only, seed=3) == one
    assert bootstrap_metrics(parts, _template(2, 1), only, seed=4) != one
    with_other = {"t1": _coins(np.random.default_rng(7), (0.5, 0.6), 33), **parts}
    assert bootstrap_metrics(with_other, _template(2, 2), only, seed=3) == one


def test_blocks_of_draws_do_not_change_the_result(monkeypatch):
    parts = {"t0": _coins(np.random.default_rng(8), (0.5, 0.6), 80)}
    whole = bootstrap_metrics(parts, _template(2, 1), {"ap": ap.compute})
    monkeypatch.setattr("cvit_bench.metrics.uncertainty._BLOCK", 800)
    assert bootstrap_metrics(parts, _template(2, 1), {"ap": ap.compute}) == whole


def test_parts_stay_as_they_were():
    parts = {"t0": _coins(np.random.default_rng(9), (0.5, 0.6), 80)}
    before = parts["t0"].copy()
    parts["t0"].setflags(write=False)
    bootstrap_metrics(parts, _template(2, 1), {"ap": ap.compute}, resamples=10)
    np.testing.assert_array_equal(parts["t0"], before)


def test_coverage_of_backward_transfer():
    """True BWT: ((.5 − .9) + (.7 − .8))/2 = −25 points, with samples correlated over stages."""
    template, covered = _template(4, 3), []
    generator = np.random.default_rng(10)
    for _ in range(300):
        uniform = {task: generator.random(60) for task in template.tasks}
        shares = {"t0": (0.1, 0.9, 0.6, 0.5), "t1": (0.1, 0.1, 0.8, 0.7), "t2": (0.1, 0.1, 0.1, 0.9)}
        parts = {task: 100.0 * (uniform[task] < np.array(shares[task])[:, None]) for task in shares}
        low, high = bootstrap_metrics(parts, template, {"bwt": bwt_tm1.compute}, resamples=200)["bwt"]
        covered.append(low <= -25 <= high)
    assert 0.91 <= np.mean(covered) <= 0.98


def test_fast_enough():
    generator = np.random.default_rng(13)
    parts = {f"t{at}": _coins(generator, [0.5] * 7, 500) for at in range(10)}
    metrics = {name: importlib.import_module(f"cvit_bench.metrics.{name}").compute for name in ALL}
    start = time.perf_counter()
    found = bootstrap_metrics(parts, _template(7, 10, num_unseen=4), metrics)
    assert time.perf_counter() - start < 6  # about one second on an idle core
    assert all(found.values())
