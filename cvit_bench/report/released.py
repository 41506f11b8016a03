"""Strict scores beside those of the published scripts, and what separates them."""

from collections.abc import Sequence
from dataclasses import dataclass

from cvit_bench.records.results import Matrices, Released, Results
from cvit_bench.report.heatmap import HeatMap, heat_map


@dataclass(frozen=True)
class Beside:
    """One number in both ways of judging; None where it is undefined."""

    label: str
    strict: float | None
    released: float | None
    scorer: str = ""

    @property
    def difference(self) -> float | None:
        """Released minus strict."""
        return None if self.strict is None or self.released is None else self.released - self.strict


@dataclass(frozen=True)
class ReleasedPart:
    """What the report shows of the released scores."""

    metrics: Sequence[Beside]
    tasks: Sequence[Beside]
    scores: HeatMap


def released_part(results: Results) -> ReleasedPart | None:
    """Return both ways of judging side by side; None where no task has a released scorer."""
    released = results.released
    if released is None:
        return None
    alike = results.model_copy(
        update={"matrices": Matrices(S=released.S, K=released.S, F=released.F), "cells": ()}
    )
    return ReleasedPart(metrics_beside(results), _tasks(results, released), heat_map(alike, "S"))


def metrics_beside(results: Results) -> list[Beside]:
    """Return every metric that both ways of judging have."""
    found = results.released.metrics if results.released is not None else ()
    strict = {one.id: one.value for one in results.metrics}
    return [Beside(one.label, strict[one.id], one.value) for one in found if one.id in strict]


def _tasks(results: Results, released: Released) -> list[Beside]:
    """Return the tasks that have a released scorer after the last stage, per-task runs after their own."""
    rows = []
    for at, task in enumerate(results.tasks):
        if task.name in released.scorers:
            own = [stage for stage, info in enumerate(results.stages) if task.name in info.tasks]
            row = own[0] if own and results.schedule == "per_task" else -1
            values = results.matrices.S[row][at], released.S[row][at]
            rows.append(Beside(task.title, *values, released.scorers[task.name]))
    return rows
