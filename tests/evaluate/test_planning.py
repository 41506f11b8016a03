"""A per-task run is asked each stage's own task: its stages do not follow one another."""

import json

import pytest

from cvit_bench.evaluate.sequence import EvaluateOptions, evaluate
from cvit_bench.records.choices import CellChoice


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
