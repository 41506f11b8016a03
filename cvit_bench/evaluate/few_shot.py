"""Few-shot curves: the score of an unseen task against how many samples a class the model was tuned on."""

import numpy as np

from cvit_bench.evaluate.measures import Measured, estimated
from cvit_bench.evaluate.table import Table, few_shot_field
from cvit_bench.metrics.knowledge import PERCENT
from cvit_bench.records.matrix import Array
from cvit_bench.records.results import Estimate, FewShotCurve, FewShotPoint

Place = tuple[str, int]
"""A field and a stage."""
Drawn = tuple[float, Array]
"""A mean, and that of every draw, [resamples]."""


def curves(table: Table, run: Measured) -> tuple[FewShotCurve, ...]:
    """Return a curve for each task that has few-shot stages; its points are drawn together, as stages are."""
    tasks = dict.fromkeys(stage.task for stage in table.plan.few_shot)
    found = (_curve(table, run, task) for task in tasks if task in table.items)
    return tuple(curve for curve in found if curve.points)


def _curve(table: Table, run: Measured, task: str) -> FewShotCurve:
    last, column = len(table.plan.stages) - 1, table.tasks.index(task)
    places: dict[int, tuple[Place, Place]] = {0: (("strict", last), ("strict", 0))}
    for num in sorted({stage.shots for stage in table.plan.few_shot if stage.task == task}):
        places[num] = ((few_shot_field(num), last), (few_shot_field(num, from_base=True), last))
    found = (_point(num, *(_drawn(run, *place, column) for place in pair)) for num, pair in places.items())
    base = _drawn(run, "strict", 0, column)
    points = tuple(point for point in found if point is not None)
    return FewShotCurve(task=task, base=None if base is None else _estimate(base), points=points)


def _point(shots: int, tuned: Drawn | None, base: Drawn | None) -> FewShotPoint | None:
    """Return a point, None where the sequence has none; what it added is compared draw by draw."""
    if tuned is None:
        return None
    if base is None:
        return FewShotPoint(shots=shots, strict=_estimate(tuned))
    added = _estimate((tuned[0] - base[0], tuned[1] - base[1]))
    return FewShotPoint(shots=shots, strict=_estimate(tuned), base=_estimate(base), added=added)


def _drawn(run: Measured, field: str, stage: int, column: int) -> Drawn | None:
    """Return a task's mean at a stage with its draws, None where it was not asked."""
    if field not in run.means or np.isnan(run.means[field][stage, column]):
        return None
    return float(run.means[field][stage, column]), run.drawn_means[field][:, stage, column]


def _estimate(found: Drawn) -> Estimate:
    return estimated(PERCENT * found[0], PERCENT * found[1])
