"""A score matrix as a heat map: stages down, tasks across, value and interval in each cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cvit_bench.records.results import Estimate, Matrix, Results, TaskInfo

Letter = Literal["S", "K", "F"]
STEPS = 10
_FIELDS: dict[Letter, str] = {"S": "strict", "K": "knowledge", "F": "form"}


@dataclass(frozen=True)
class HeatCell:
    """One task at one stage; `value` None where it was not run, `step` its colour from 0 to STEPS."""

    task: TaskInfo
    value: float | None
    low: float | None
    high: float | None
    step: int
    trained: bool


@dataclass(frozen=True)
class HeatRow:
    """One stage."""

    number: int
    name: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class HeatMap:
    """A matrix ready to be laid out: train tasks first, unseen ones last."""

    letter: Letter
    tasks: tuple[TaskInfo, ...]
    rows: tuple[HeatRow, ...]

    @property
    def num_unseen(self) -> int:
        """How many of the last columns are unseen tasks."""
        return sum(task.unseen for task in self.tasks)


def heat_map(results: Results, letter: Letter) -> HeatMap:
    """Lay out one of the matrices of a run."""
    matrix: Matrix = getattr(results.matrices, letter)
    order = sorted(range(len(results.tasks)), key=lambda at: results.tasks[at].unseen)
    tops = [top(matrix, at) for at in range(len(results.tasks))]
    intervals = cell_intervals(results, letter)

    def cell(stage: int, at: int) -> HeatCell:
        task, value = results.tasks[at], matrix[stage][at]
        low, high = intervals.get((stage, task.name), (None, None))
        trained = task.name in results.stages[stage].tasks
        return HeatCell(task, value, low, high, step(value, tops[at]), trained)

    rows = (
        HeatRow(stage, info.name, tuple(cell(stage, at) for at in order))
        for stage, info in enumerate(results.stages)
    )
    return HeatMap(letter, tuple(results.tasks[at] for at in order), tuple(rows))


def cell_intervals(results: Results, letter: Letter) -> dict[tuple[int, str], tuple[float, float]]:
    """Return the interval of each cell; over several paraphrases the mean of their ends.

    The paraphrases share their samples, so this is never narrower than the interval of the mean.
    """
    found: dict[tuple[int, str], list[Estimate]] = {}
    for cell in (cell for cell in results.cells if not cell.form_change):
        found.setdefault((cell.stage, cell.task), []).append(getattr(cell, _FIELDS[letter]))
    return {
        place: (_mean([one.ci_low for one in parts]), _mean([one.ci_high for one in parts]))
        for place, parts in found.items()
    }


def top(matrix: Matrix, column: int) -> float:
    """Return the value that gets the full colour: 100, or the column's largest (CIDEr goes beyond)."""
    return max([100.0, *(row[column] or 0.0 for row in matrix)])


def step(value: float | None, full: float) -> int:
    """Return the colour step of a value between 0 and `full`."""
    return 0 if value is None else max(0, min(STEPS, round(STEPS * value / full)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
