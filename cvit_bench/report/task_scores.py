"""Each task at the last stage, or where it was learned alone: a line an entry, coloured by score."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cvit_bench.records.entry import Entry
from cvit_bench.records.results import TaskInfo
from cvit_bench.report.heatmap import step, top


@dataclass(frozen=True)
class TaskScore:
    """Strict score of one task, with its colour, and its interval where the entry has it."""

    value: float | None
    step: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TaskTable:
    """Entries by tasks; from column `first_unseen` on, the tasks were never trained on."""

    tasks: tuple[TaskInfo, ...]
    rows: tuple[tuple[str, tuple[TaskScore, ...]], ...]
    names: tuple[str, ...]

    @property
    def first_unseen(self) -> int:
        """Index of the first unseen task, or one beyond the last column."""
        return sum(not task.unseen for task in self.tasks)


def task_columns(entries: Iterable[Entry]) -> list[TaskInfo]:
    """Return every task once: train tasks in their order, then unseen ones."""
    found: dict[str, TaskInfo] = {}
    for entry in entries:
        for task in entry.tasks:
            found.setdefault(task.name, task)
    return sorted(found.values(), key=lambda task: task.unseen)


def task_table(entries: Sequence[Entry]) -> TaskTable:
    """Lay out S of each task at the last stage of each entry that has a matrix.

    The stages of a per-task run do not follow one another: each task is shown at its own.
    """
    measured = [entry for entry in entries if entry.matrices.S]
    tasks = task_columns(measured)
    rows = ((entry.title, tuple(_task_score(entry, task.name) for task in tasks)) for entry in measured)
    return TaskTable(tuple(tasks), tuple(rows), tuple(entry.name for entry in measured))


def _task_score(entry: Entry, name: str) -> TaskScore:
    column = next((at for at, task in enumerate(entry.tasks) if task.name == name), None)
    if column is None:
        return TaskScore(None, 0)
    own = (at for at, stage in enumerate(entry.stages) if name in stage.tasks)
    row = next(own, -1) if entry.schedule == "per_task" else -1
    value = entry.matrices.S[row][column]
    known = next((one.strict for one in entry.task_scores if one.task == name), None)
    ends = (known.ci_low, known.ci_high) if known is not None else (None, None)
    return TaskScore(value, step(value, top(entry.matrices.S, column)), *ends)
