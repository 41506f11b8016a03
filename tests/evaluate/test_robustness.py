"""A run whose answers depend on the wording, worked out by hand.

Stage 3, task fruit, samples 0 to 3:   v0 (train) right on 0 1 2,  v1 (train) on 0 1,  h0 (heldout) on 0.
All other answers are the same in all wordings, as in the toy run: pick 75, count 100.
"""

import pytest

from cvit_bench.evaluate.compare import compare
from cvit_bench.evaluate.inputs import open_run
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import Resample
from cvit_bench.records.plan import load_plan

RIGHT = {"v0": (0, 1, 2), "v1": (0, 1), "h0": (0,)}
FRUIT = ("apple", "pear", "plum", "fig")
BY_HAND = {
    "worst_wording": (25 + 75 + 100) / 3,
    "wording_spread": (50 + 0 + 0) / 3,
    "consistency": (50 + 100 + 100) / 3,  # fruit: samples 0 and 3
    "agreement": (100 * (1 + 1 / 3 + 1 / 3 + 1) / 4 + 200) / 3,
    "wording_gap": ((75 + 50) / 2 - 25) / 3,
}


@pytest.fixture
def worded(toy):
    """Make the last stage of the toy answer differently in each wording of fruit."""
    answers = {
        f"fruit/fruit-test-{at}@{variant}": name if at in right else "melon"
        for variant, right in RIGHT.items()
        for at, name in enumerate(FRUIT)
    }
    rest = {
        f"{task}/{task}-test-{at}": text
        for task, texts in {"pick": "ABAA", "count": "1234", "yesno": ("no", "yes", "no", "yes")}.items()
        for at, text in enumerate(texts)
    }
    toy.edit_script("03-count", answers={**answers, **rest})
    return toy


def _evaluated(toy, **more):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **more))


def _of(results, stage, task):
    return next(one for one in results.wordings if (one.stage, one.task) == (stage, task))


def test_a_task_at_a_stage_by_hand(worded):
    found = _of(_evaluated(worded, variants=None), 3, "fruit")
    assert (found.wordings, found.per_sample, found.worst_variant) == (3, 3, "h0")
    values = {name: getattr(found, name).value for name in ("mean", "worst", "spread", "consistency", "gap")}
    assert values == {"mean": 50, "worst": 25, "spread": 50, "consistency": 50, "gap": 37.5}
    assert found.agreement.value == pytest.approx(200 / 3, abs=1e-5)


def test_the_suite_at_the_last_stage_by_hand(worded):
    results = _evaluated(worded, variants=None)
    for name, value in BY_HAND.items():
        found = results.metric(name)
        assert found.value == pytest.approx(value, abs=1e-5), name
        assert found.ci_low <= found.value <= found.ci_high


def test_every_stage_and_task_has_its_own(worded):
    results = _evaluated(worded, variants=None)
    assert len(results.wordings) == 4 * 4
    before = _of(results, 2, "fruit")
    assert (before.mean.value, before.spread.value, before.consistency.value) == (50, 0, 100)


def test_one_wording_says_nothing_about_wordings(worded):
    results = _evaluated(worded, variants=1)
    assert results.wordings == ()
    assert results.metric("consistency").reason == "no task was asked in all of several wordings"


def test_an_incomplete_design(worded):
    """Mean, worst and gap from two of three wordings a sample, by the formula written out once more."""
    results = _evaluated(worded, variants=None, per_sample=2)
    found = _of(results, 3, "fruit")
    assert (found.wordings, found.per_sample, found.consistency) == (3, 2, None)
    inputs = open_run(worded.run_dir, data_root=worded.data, design=load_plan(worded.run_dir).design)
    seen = {v: {int(one.id[-1]) for one in inputs.asked("fruit", v)} for v in RIGHT}
    own = [[float(at in RIGHT[v]) for v in RIGHT if at in seen[v]] for at in range(4)]
    means = [sum(row) / 2 for row in own]
    estimates = {
        v: 25 * sum(means[at] + 2 * (at in seen[v]) * ((at in RIGHT[v]) - means[at]) for at in range(4))
        for v in RIGHT
    }
    assert found.mean.value == pytest.approx(25 * sum(means), abs=1e-5)
    apart = [one - 25 * sum(means) for one in estimates.values()]
    noise = 100**2 * 2 * (3 - 2) / (1 * 4**2) * sum((row[0] - row[1]) ** 2 / 2 for row in own)
    shrunk = max(0, 1 - noise / sum(one**2 for one in apart)) ** 0.5
    assert found.worst.value == pytest.approx(25 * sum(means) + shrunk * min(apart), abs=1e-4)
    assert found.spread.value == pytest.approx(shrunk * (max(apart) - min(apart)), abs=1e-4)
    gap = (estimates["v0"] + estimates["v1"]) / 2 - estimates["h0"]
    assert found.gap.value == pytest.approx(gap, abs=1e-5)
    assert found.agreement.value == pytest.approx(25 * sum(row[0] == row[1] for row in own))
    assert results.metric("consistency").value is None
    assert results.metric("wording_gap").value is not None


def test_wordings_count_as_drawn_where_asked(worded, copy_toy):
    """AP rests on fruit, whose three wordings differ; what is said of these wordings stays as it was."""
    other = copy_toy("other")
    alone = _evaluated(worded, variants=None)
    both = rescore(worded.run_dir, worded.data, resample=Resample.VARIANTS)
    assert both == _evaluated(worded, variants=None, resample=Resample.VARIANTS)
    assert (alone.provenance.get("resample"), both.provenance["resample"]) == (None, "images+variants")
    assert both.matrices == alone.matrices
    assert _width(both.metric("ap")) > 1.1 * _width(alone.metric("ap"))
    told = [[one.model_dump(exclude={"mean"}) for one in found.wordings] for found in (alone, both)]
    assert told[0] == told[1]
    assert _width(_of(both, 3, "fruit").mean) > _width(_of(alone, 3, "fruit").mean)
    evaluate(other, EvaluateOptions(data_root=worded.data, variants=None))
    widths = [
        _width(
            next(one.change for one in compare(worded.run_dir, other, resample=how).metrics if one.id == "ap")
        )
        for how in Resample
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)  # no wording bears on a difference of nothing


def _width(found):
    return found.ci_high - found.ci_low
