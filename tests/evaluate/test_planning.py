"""Which cells are planned: of a per-task run each stage's own task; none at all is refused."""

import json

import pytest

from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.score import rescore
from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import CellChoice, TaskChoice


@pytest.mark.parametrize("cells", list(CellChoice))
def test_a_per_task_run_has_a_diagonal_and_nothing_about_forgetting(toy, cells):
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": "per_task"}))
    results = evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data, cells=cells))
    run = {(at, column) for at, row in enumerate(results.matrices.S) for column, value in enumerate(row)
           if value is not None}  # fmt: skip
    assert run == {(1, 0), (2, 1), (3, 2)}
    defined = {metric.id for metric in results.metrics if metric.value is not None}
    assert defined == {"learning_accuracy"}


def test_a_plan_without_a_cell_is_refused(toy):
    path = toy.run_dir / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schedule": "none", "stages": []}))
    options = EvaluateOptions(data_root=toy.data, cells=CellChoice.LOWER, tasks=TaskChoice.TRAINED)
    with pytest.raises(
        CvitBenchError, match="--cells lower: no stage of the run is asked any of fruit, pick"
    ):
        evaluate(toy.run_dir, options)
    assert not (toy.run_dir / "predictions").exists()


def test_a_plan_that_asks_no_stage_is_not_scored(toy):
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    path = toy.run_dir / "predictions" / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "stages": []}))
    with pytest.raises(CvitBenchError, match=r"plan\.json: cells: no stage of the sequence"):
        rescore(toy.run_dir, toy.data)


def test_answers_to_another_version_of_a_suite_are_not_scored_as_those_of_this_one(toy):
    evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data))
    toy.edit("tasks/suites/toy.yaml", version=2)
    with pytest.raises(CvitBenchError, match=r"plan\.json: suite_version: made for version 1 of 'toy'"):
        rescore(toy.run_dir, toy.data)
    assert evaluate(toy.run_dir, EvaluateOptions(data_root=toy.data)).suite_version == 2
