"""Metrics at every stage, and scores against shots, on the toy run whose scores are known."""

import json
import shutil

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.load import load_json
from cvit_bench.records.results import Results

# fruit pick count | yesno:   25 0 0 50;  100 25 0 50;  50 100 25 25;  25 75 100 0
BY_HAND = {
    "ap": (None, 100, 75, 200 / 3),
    "map": (None, 100, 87.5, (100 + 75 + 200 / 3) / 3),
    "bwt_tm1": (None, None, -50, -50),
    "seeing": (None, None, -50, -50),  # what is wrong is not known either: all of it is lost knowledge
    "obeying": (None, None, 0, 0),
    "forgetting": (None, None, 50, 50),
    "mif": (None, 100, (75 + 100) / 2, (25 + 75 + 100) / 3),
    "unseen": (50, 50, 25, 0),
    "unseen_change": (None, 0, -25, -50),
}


def _evaluated(toy, **more):
    return evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, **more))


def _values(results):
    return {one.id: [value and value.value for value in one.values] for one in results.series}


def test_each_metric_as_if_the_run_had_ended_there(toy):
    found = _values(_evaluated(toy))
    assert found.keys() == BY_HAND.keys()
    for name, values in BY_HAND.items():
        assert found[name] == pytest.approx(list(values), abs=1e-5), name


def test_the_last_value_is_the_metric_itself(toy):
    results = _evaluated(toy)
    for one in results.series:
        metric = results.metric(one.id)
        last = one.values[-1]
        assert (last.value, last.ci_low, last.ci_high) == (metric.value, metric.ci_low, metric.ci_high)


def test_each_task_at_the_last_stage(toy):
    results = _evaluated(toy)
    found = {one.task: one.strict for one in results.task_scores}
    assert {task: one.value for task, one in found.items()} == {
        "fruit": 25,
        "pick": 75,
        "count": 100,
        "yesno": 0,
    }
    assert all(one.ci_low <= one.value <= one.ci_high and one.ci_low < one.ci_high for one in found.values())


def test_stages_that_do_not_follow_one_another_have_no_series_and_tasks_at_their_own(toy):
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": "per_task"}))
    results = _evaluated(toy)
    assert _values(results) == {}
    assert {one.task: one.strict.value for one in results.task_scores} == {
        "fruit": 100,
        "pick": 100,
        "count": 100,
    }


@pytest.fixture
def few_shot(toy):
    """Add two stages beside the sequence, tuned on 1 and 2 samples a class of `yesno`: 2 and 4 of 4 right."""
    toy.edit("tasks/suites/toy.yaml", few_shot={"yesno": [1, 2]})
    path = toy.run_dir / "manifest.json"
    content = json.loads(path.read_text())
    for shots, answers in ((1, ("yes", "no", "no", "yes")), (2, ("yes", "no", "yes", "no"))):
        content["stages"].append(_few_shot_stage(toy, f"few-yesno-{shots}", shots, answers))
    path.write_text(json.dumps(content))
    return toy


def _few_shot_stage(toy, stage, shots, answers):
    shutil.copytree(toy.run_dir / "03-count", toy.run_dir / stage)
    toy.edit_script(stage, answers={f"yesno/yesno-test-{at}": text for at, text in enumerate(answers)})
    return {"name": stage, "tasks": ["yesno"], "checkpoint": stage, "shots": shots}


def test_score_against_shots_by_hand(few_shot):
    results = _evaluated(few_shot)
    (curve,) = results.few_shot_curves
    assert (curve.task, curve.base.value) == ("yesno", 50)
    assert [(point.shots, point.strict.value) for point in curve.points] == [(0, 0), (1, 50), (2, 100)]
    assert all(one.ci_low <= one.value <= one.ci_high for one in (point.strict for point in curve.points))
    assert [(one.shots, one.strict.value) for one in results.few_shot] == [(1, 50), (2, 100)]


def test_what_the_sequence_added_is_the_difference_of_two_tunings(few_shot):
    """One sample a class: 2 of 4 after the sequence, 3 of 4 from the base; two: the base was not tuned."""
    path = few_shot.run_dir / "manifest.json"
    content = json.loads(path.read_text())
    stage = _few_shot_stage(few_shot, "few-yesno-1-base", 1, ("yes", "no", "yes", "yes"))
    content["stages"].append({**stage, "from_base": True})
    path.write_text(json.dumps(content))
    results = _evaluated(few_shot)
    (curve,) = results.few_shot_curves
    found = {
        point.shots: [one and one.value for one in (point.strict, point.base, point.added)]
        for point in curve.points
    }
    assert found == {0: [0, 50, -50], 1: [50, 75, -25], 2: [100, None, None]}
    assert all(point.added.ci_low < point.added.value < point.added.ci_high for point in curve.points[:2])
    assert [(one.shots, one.from_base, one.strict.value) for one in results.few_shot] == [
        (1, False, 50), (2, False, 100), (1, True, 75),
    ]  # fmt: skip
    assert load_json(few_shot.run_dir / "results.json", Results) == results


def test_only_a_stage_with_shots_starts_beside_the_sequence(toy):
    path = toy.run_dir / "manifest.json"
    content = json.loads(path.read_text())
    content["stages"][0]["from_base"] = True
    path.write_text(json.dumps(content))
    with pytest.raises(CvitBenchError, match="from_base is for stages with shots"):
        _evaluated(toy)


def test_without_a_last_stage_a_curve_begins_where_it_was_asked(few_shot):
    results = _evaluated(few_shot, cells="final")
    (curve,) = results.few_shot_curves
    assert curve.base is None
    assert [point.shots for point in curve.points] == [0, 1, 2]


def test_results_without_the_new_fields_load(toy, tmp_path):
    _evaluated(toy)
    content = json.loads((toy.run_dir / "results.json").read_text())
    for name in ("series", "wordings", "form_changes", "few_shot_curves", "task_scores"):
        del content[name]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content))
    assert load_json(path, Results).series == ()
