"""Intransigence: a run against a multitask and a per-task run on the same samples."""

import json
import shutil

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate

# Right answers of four at the only stage that counts: learned in sequence 4, 4, 4.
TOGETHER = {"fruit": 3, "pick": 4, "count": 2}


@pytest.fixture
def multitask(toy):
    """A run whose one stage trained all three tasks; it answers as TOGETHER says."""
    run_dir = toy.run_dir.parent / "together"
    shutil.copytree(toy.run_dir, run_dir)
    script = run_dir / "03-count" / "scripted.json"
    content = json.loads(script.read_text())
    right = json.loads((run_dir / "01-fruit" / "scripted.json").read_text())["answers"]
    right |= {
        key: text
        for stage, task in (("02-pick", "pick"), ("03-count", "count"))
        for key, text in json.loads((run_dir / stage / "scripted.json").read_text())["answers"].items()
        if key.startswith(f"{task}/")
    }
    for task, num in TOGETHER.items():
        for at in range(4):
            key = f"{task}/{task}-test-{at}"
            content["answers"][key] = right[key] if at < num else "no idea at all"
    script.write_text(json.dumps(content))
    stages = [{"name": "01-all", "tasks": ["fruit", "pick", "count"], "checkpoint": "03-count"}]
    _edit(run_dir, run="together", schedule="multitask", stages=stages)
    return run_dir


@pytest.fixture
def per_task(toy):
    run_dir = toy.run_dir.parent / "alone"
    shutil.copytree(toy.run_dir, run_dir)
    _edit(run_dir, run="alone", schedule="per_task")
    return run_dir


def _edit(run_dir, **changes):
    path = run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _options(toy, **more):
    return EvaluateOptions(data_root=toy.data, **more)


def test_against_a_multitask_run_by_hand(toy, multitask):
    evaluate(multitask, _options(toy))
    results = evaluate(toy.run_dir, _options(toy, references=(multitask,)))
    found = results.metric("intransigence_multitask")
    assert found.value == pytest.approx((75 + 100 + 50) / 3 - 100, abs=1e-5)
    assert found.ci_low <= found.value <= found.ci_high
    assert results.metric("intransigence_per_task").reason.startswith(
        "no task was answered by a per-task run"
    )
    assert results.provenance["references"] == {"multitask": "together"}


def test_against_runs_of_each_task_alone(toy, per_task, multitask):
    evaluate(per_task, _options(toy))
    evaluate(multitask, _options(toy))
    evaluate(toy.run_dir, _options(toy))
    results = rescore(toy.run_dir, toy.data, references=[multitask, per_task])
    assert results.metric("intransigence_per_task").value == 0
    assert results.metric("intransigence_multitask").value < 0


def test_references_change_no_other_number(toy, multitask):
    evaluate(multitask, _options(toy))
    without = evaluate(toy.run_dir, _options(toy))
    against = rescore(toy.run_dir, toy.data, references=[multitask])
    assert against.matrices == without.matrices
    same = [[one for one in found.metrics if "intransigence" not in one.id] for found in (without, against)]
    assert same[0] == same[1]


def test_what_cannot_be_measured_against_is_refused(toy, multitask, per_task):
    evaluate(toy.run_dir, _options(toy))

    def refused(*references):
        with pytest.raises(CvitBenchError) as caught:
            rescore(toy.run_dir, toy.data, references=references)
        return str(caught.value)

    assert "schedule: a run is measured against a multitask or a per_task run" in refused(toy.run_dir)
    assert "plan.json: no such file" in refused(multitask)
    evaluate(multitask, _options(toy, limit=2))
    assert "limit: 2 there, none here; evaluate both alike" in refused(multitask)
    evaluate(multitask, _options(toy))
    assert "a second multitask run" in refused(multitask, multitask)
    evaluate(toy.run_dir, _options(toy, variants=2))
    assert "task 'fruit' was not asked in wording 'v1' after its stage" in refused(multitask)
    assert "together/manifest.json: no such file" in refused(toy.root / "together")


def test_another_base_is_no_reference(toy, multitask):
    evaluate(multitask, _options(toy))
    toy.edit_script("00-base", default="hm")
    evaluate(toy.run_dir, _options(toy))
    with pytest.raises(CvitBenchError, match="starts from another base model"):
        rescore(toy.run_dir, toy.data, references=[multitask])
