"""The whole pipeline on a scripted run whose numbers are worked out by hand.

Strict scores in percent (4 samples a cell, RIGHT in conftest):

    stage      fruit  pick  count | yesno (unseen)
    00-base      25     0      0  |   50
    01-fruit    100    25      0  |   50
    02-pick      50   100     25  |   25
    03-count     25    75    100  |    0
"""

import pytest

from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.models.family import Placement

STRICT = ((25, 0, 0, 50), (100, 25, 0, 50), (50, 100, 25, 25), (25, 75, 100, 0))
# Of 4 answers, BROKEN in conftest break the form: (4 − broken) / 4.
FORM = ((75, 0, 50, 100), (100, 75, 0, 100), (75, 100, 75, 75), (25, 75, 100, 50))
BY_HAND = {
    "ap": (25 + 75 + 100) / 3,
    "map": (100 + (50 + 100) / 2 + (25 + 75 + 100) / 3) / 3,
    "learning_accuracy": 100.0,
    "bwt_tm1": ((25 - 100) + (75 - 100)) / 2,
    "bwt_t": ((25 - 100) + (75 - 100)) / 3,
    # fruit: best of stages 1 and 2 is 100, last 25; pick: best is 100, last 75.
    "forgetting": (75 + 25) / 2,
    # pick before its stage 25, at the base 0; count before its stage 25, at the base 0.
    "fwt": ((25 - 0) + (25 - 0)) / 2,
    "mif": (25 + 75 + 100) / 3,
    # fruit 100 → 25, pick 100 → 75.
    "form_bwt": ((25 - 100) + (75 - 100)) / 2,
    "unseen": 0.0,
    "unseen_change": 0.0 - 50.0,
}


@pytest.fixture
def results(toy):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, placement=Placement()))


def test_matrices_are_the_ones_planted(results):
    assert results.matrices.S == STRICT
    assert results.matrices.F == FORM


def test_metrics_equal_the_hand_computed_ones(results):
    found = {metric.id: metric.value for metric in results.metrics}
    for name, value in BY_HAND.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name


NOT_ASKED = {
    "intransigence_multitask": "no task was answered by a multitask run too (--reference)",
    "intransigence_per_task": "no task was answered by a per-task run too (--reference)",
    "worst_wording": "no task was asked in several wordings",
    "wording_spread": "no task was asked in several wordings",
    "consistency": "no task was asked in all of several wordings",
    "agreement": "no task was asked in several wordings",
    "wording_gap": "no task was asked in several wordings, some of the train split",
    "form_change_kept": "no task was asked in another form",
    "form_change_known": "no task was asked in another form",
}


def test_what_was_not_asked_is_undefined_with_the_reason(results):
    assert {metric.id: metric.reason for metric in results.metrics if metric.value is None} == NOT_ASKED


def test_every_metric_has_an_interval_around_its_value(results):
    for metric in results.metrics:
        if metric.id in NOT_ASKED:
            continue
        assert metric.ci_low <= metric.value <= metric.ci_high, metric.id


def test_scoring_again_from_predictions_gives_the_same_bytes(toy, results):
    before = (toy.run_dir / "results.json").read_bytes()
    (toy.run_dir / "results.json").unlink()
    rescore(toy.run_dir, toy.data)
    assert (toy.run_dir / "results.json").read_bytes() == before


def test_all_variants_are_answered_and_averaged(toy, results):
    every = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, variants=None))
    assert every.variants == ("v0", "v1", "h0")
    assert len(every.cells) == 3 * len(results.cells)
    assert every.matrices.S == STRICT
