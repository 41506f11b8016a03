"""What became of every sample: right or wrong, form kept or broken, and at which stage it was lost.

Content counts as right from half of a full point on, whatever its form (lenient K); a sample as right where
S is. Captions have no right and wrong. A wrong sample is known where its right answer is ranked first, or,
where nothing was ranked, where its content is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cvit_bench.evaluate.ranked import FIRST
from cvit_bench.evaluate.table import ScoredCell, Table
from cvit_bench.records.matrix import Array
from cvit_bench.records.results import Flips, Outcomes
from cvit_bench.records.sample import RIGHT

Key = tuple[str, str]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """All items of a task along the stages.

    Attributes:
        keys: [num_items], variant and sample id.
        asked, right, known: [num_stages, num_items]; right and known are False where not asked.
        own: the stage that trained the task, None for an unseen task.
    """

    task: str
    keys: list[Key]
    asked: Flags
    right: Flags
    known: Flags
    own: int | None


def outcomes(table: Table) -> Iterator[Outcomes]:
    """Yield the outcomes of every task and stage that was asked, all wordings together."""
    for stage, planned in enumerate(table.plan.stages):
        for task in table.tasks:
            cells = table.cells.get((planned.name, task), [])
            if cells and task not in table.layout.open_ended:
                yield _outcomes(table, stage, task, cells)


def _outcomes(table: Table, stage: int, task: str, cells: list[ScoredCell]) -> Outcomes:
    half = RIGHT * table.highest(task)
    right = _joined(cells, "lenient") >= half
    kept = _joined(cells, "form") > 0
    known = None
    if table.is_ranked(task):
        known = int(((_joined(cells, FIRST) > 0) & (_joined(cells, "strict") == 0)).sum())
    return Outcomes(
        stage=stage,
        task=task,
        right_kept=int((right & kept).sum()),
        right_broken=int((right & ~kept).sum()),
        wrong_kept=int((~right & kept).sum()),
        wrong_broken=int((~right & ~kept).sum()),
        known=known,
    )


def _joined(cells: list[ScoredCell], name: str) -> Array:
    return np.concatenate([cell.values(name) for cell in cells])


def histories(table: Table) -> list[History]:
    """Return the items of every task with right and wrong answers along the stages."""
    return [_history(table, task) for task in table.tasks if task not in table.layout.open_ended]


def _history(table: Table, task: str) -> History:
    rows = [table.cells.get((stage.name, task), []) for stage in table.plan.stages]
    keys = list(
        dict.fromkeys((cell.cell.variant, one.id) for cells in rows for cell in cells for one in cell.samples)
    )
    place, half = {key: at for at, key in enumerate(keys)}, RIGHT * table.highest(task)
    asked, right, known = (np.zeros((len(rows), len(keys)), dtype=bool) for _ in range(3))
    name = FIRST if table.is_ranked(task) else "lenient"
    for stage, cells in enumerate(rows):
        for cell in cells:
            at = [place[cell.cell.variant, one.id] for one in cell.samples]
            asked[stage, at] = True
            right[stage, at] = cell.values("strict") >= half
            known[stage, at] = right[stage, at] | (cell.values(name) >= RIGHT)
    own = next((at for at, stage in enumerate(table.plan.stages) if task in stage.tasks), None)
    return History(task, keys, asked, right, known, own)


def flips(history: History) -> Iterator[Flips]:
    """Yield how many samples were lost and regained at each stage that follows an asked one."""
    for stage in range(1, len(history.right)):
        both = history.asked[stage] & history.asked[stage - 1]
        if both.any():
            before, now = history.right[stage - 1], history.right[stage]
            lost = both & before & ~now
            yield Flips(
                stage=stage,
                task=history.task,
                lost=int(lost.sum()),
                lost_known=int((lost & history.known[stage]).sum()),
                regained=int((both & ~before & now).sum()),
            )


def lost_at(history: History) -> list[int | None]:
    """Return for each item the stage from which on it was wrong to the end, having been right before.

    None where it is right at the last stage, or was never right (from its task's own stage on).
    """
    first = history.own or 0
    right = history.right[first:]
    found: list[int | None] = []
    for item in range(right.shape[1]):
        stages = np.flatnonzero(right[:, item])
        is_lost = len(stages) > 0 and stages[-1] < len(right) - 1
        found.append(first + int(stages[-1]) + 1 if is_lost else None)
    return found
