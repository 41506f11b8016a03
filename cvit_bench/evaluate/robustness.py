"""Every task at every stage: over the wordings of its instruction, and when another form is asked for."""

from collections.abc import Iterator, Sequence

import numpy as np

from cvit_bench.evaluate.measures import Measured, estimated
from cvit_bench.evaluate.table import Table
from cvit_bench.records.matrix import Kind
from cvit_bench.records.results import Estimate, FormChanges, Wordings


def wordings(table: Table, run: Measured) -> Iterator[Wordings]:
    """Yield one record for each stage and task that was asked in several wordings."""
    for task in table.tasks:
        variants = list(table.wordings(task))
        for stage in range(len(table.plan.stages)):
            worst = _cell(run, ("W",), stage, task)
            mean = _cell(run, ("S",), stage, task)
            if worst is not None and mean is not None:
                yield Wordings(
                    stage=stage,
                    task=task,
                    wordings=len(variants),
                    per_sample=_per_sample(table, len(variants)),
                    mean=mean,
                    worst=worst,
                    worst_variant=_worst_variant(run, variants, stage, table.tasks.index(task)),
                    spread=_known(_cell(run, ("B", "W"), stage, task)),
                    agreement=_cell(run, ("A",), stage, task),
                    consistency=_cell(run, ("C",), stage, task),
                    gap=_cell(run, ("T", "H"), stage, task),
                    heldout=tuple(name for name in variants if _is_held_out(table, task, name)),
                )


def form_changes(table: Table, run: Measured) -> Iterator[FormChanges]:
    """Yield one record for each stage and task that was asked for another form."""
    for task in table.tasks:
        for stage in range(len(table.plan.stages)):
            form, knowledge = _cell(run, ("O",), stage, task), _cell(run, ("N",), stage, task)
            if form is not None and knowledge is not None:
                yield FormChanges(stage=stage, task=task, form=form, knowledge=knowledge)


def _cell(run: Measured, kinds: Sequence[Kind], stage: int, task: str) -> Estimate | None:
    """Return a cell of a matrix, or of the first one minus the second; None where it has no value."""
    if any(task not in run.point[kind].tasks for kind in kinds):
        return None
    point, draws = (
        [found[kind].values[..., stage, found[kind].tasks.index(task)] for kind in kinds]
        for found in (run.point, run.draws)
    )
    value = point[0] - (point[1] if len(point) > 1 else 0.0)
    if np.isnan(value):
        return None
    return estimated(float(value), draws[0] - (draws[1] if len(draws) > 1 else 0.0))


def _is_held_out(table: Table, task: str, variant: str) -> bool:
    return table.inputs.variant(task, variant).split == "heldout"


def _known(found: Estimate | None) -> Estimate:
    assert found is not None  # where there is a worst wording there is a best one
    return found


def _per_sample(table: Table, num: int) -> int:
    return num if table.plan.design is None else min(num, table.plan.design.per_sample)


def _worst_variant(run: Measured, variants: Sequence[str], stage: int, column: int) -> str:
    means = [run.means[f"wording_{at}"][stage, column] for at in range(len(variants))]
    return variants[int(np.argmin(means))]
