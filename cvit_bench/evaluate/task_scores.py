"""S of each task at the end of a run, with the interval that metrics have: pictures drawn together."""

from collections.abc import Iterator

import numpy as np

from cvit_bench.evaluate.measures import Measured, estimated
from cvit_bench.evaluate.table import Table
from cvit_bench.records.results import TaskScore


def task_scores(table: Table, run: Measured) -> Iterator[TaskScore]:
    """Yield a score for each task that was asked at the last stage; in a per-task run, at the task's own."""
    values, draws = run.point["S"].values, run.draws["S"].values
    for column, task in enumerate(table.tasks):
        row = _row(table, task)
        if row is not None and not np.isnan(values[row, column]):
            found = estimated(float(values[row, column]), draws[:, row, column])
            yield TaskScore(task=task, strict=found)


def _row(table: Table, task: str) -> int | None:
    stages = table.plan.stages
    if table.inputs.manifest.schedule != "per_task":
        return len(stages) - 1
    return next((at for at, stage in enumerate(stages) if task in stage.tasks), None)
