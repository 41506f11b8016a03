"""Few-shot curves: the score of an unseen task against how many samples a class the model was tuned on."""

import numpy as np

from cvit_bench.evaluate.measures import Measured, estimated
from cvit_bench.evaluate.table import Table, few_shot_field
from cvit_bench.metrics.knowledge import PERCENT
from cvit_bench.records.results import Estimate, FewShotCurve, FewShotPoint


def curves(table: Table, run: Measured) -> tuple[FewShotCurve, ...]:
    """Return a curve for each task that has few-shot stages; its points are drawn together, as stages are."""
    tasks = dict.fromkeys(stage.task for stage in table.plan.few_shot)
    found = (_curve(table, run, task) for task in tasks if task in table.items)
    return tuple(curve for curve in found if curve.points)


def _curve(table: Table, run: Measured, task: str) -> FewShotCurve:
    last = len(table.plan.stages) - 1
    shots = sorted(stage.shots for stage in table.plan.few_shot if stage.task == task)
    fields = {0: "strict", **{num: few_shot_field(num) for num in shots}}
    found = {num: _cell(table, run, name, last, task) for num, name in fields.items()}
    points = (FewShotPoint(shots=num, strict=strict) for num, strict in found.items() if strict is not None)
    return FewShotCurve(task=task, base=_cell(table, run, "strict", 0, task), points=tuple(points))


def _cell(table: Table, run: Measured, field: str, stage: int, task: str) -> Estimate | None:
    column = table.tasks.index(task)
    value = run.means[field][stage, column]
    if np.isnan(value):
        return None
    return estimated(PERCENT * float(value), PERCENT * run.drawn_means[field][:, stage, column])
