"""A leaderboard as rows: who is ranked, what is bold, each task at the last stage."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cvit_bench.records.entry import Entry
from cvit_bench.records.results import MetricResult, TaskInfo
from cvit_bench.report.columns import AP, LEADING, Column, described, find
from cvit_bench.report.heatmap import step, top
from cvit_bench.report.ranking import best, rank_ranges

REFERENCE = "ref."


@dataclass(frozen=True)
class Value:
    """One metric of one row; `metric` None where the entry does not have it."""

    metric: MetricResult | None
    is_best: bool


@dataclass(frozen=True)
class Row:
    """One entry in the table."""

    entry: Entry
    rank: str
    values: tuple[Value, ...]

    @property
    def n(self) -> int:
        """How many samples were scored at a stage, over all tasks."""
        return sum(task.n for task in self.entry.tasks)


@dataclass(frozen=True)
class TaskScore:
    """Strict score of one task at the last stage, with its colour."""

    value: float | None
    step: int


@dataclass(frozen=True)
class TaskTable:
    """Entries by tasks; from column `first_unseen` on, the tasks were never trained on."""

    tasks: tuple[TaskInfo, ...]
    rows: tuple[tuple[str, tuple[TaskScore, ...]], ...]

    @property
    def first_unseen(self) -> int:
        """Index of the first unseen task, or one beyond the last column."""
        return sum(not task.unseen for task in self.tasks)


def is_ranked(entry: Entry) -> bool:
    """Tell whether an entry competes; without a sequence of tasks it is a reference: a bound, not a rival."""
    return entry.kind == "run" and entry.schedule == "sequential"


def build_rows(entries: Sequence[Entry]) -> list[Row]:
    """Sort entries by AP, rank those that compete and mark the best of each column."""
    ordered = sorted(entries, key=_by_ap)
    rivals = [at for at, entry in enumerate(ordered) if is_ranked(entry)]
    ranks = dict(zip(rivals, rank_ranges([find(ordered[at].metrics, AP) for at in rivals]), strict=True))
    winners = {column.label: _winner(ordered, rivals, column) for column in LEADING}
    return [
        Row(
            entry,
            ranks.get(at, REFERENCE),
            tuple(Value(find(entry.metrics, column), winners[column.label] == at) for column in LEADING),
        )
        for at, entry in enumerate(ordered)
    ]


def undefined_reasons(rows: Iterable[Row]) -> list[str]:
    """Return why values of the table are undefined, each reason once with the labels it concerns."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for value in row.values:
            if value.metric is not None and value.metric.value is None:
                found.setdefault(value.metric.reason or "no reason given", {})[value.metric.label] = None
    return [f"{', '.join(labels)}: {reason}" for reason, labels in found.items()]


def task_columns(entries: Iterable[Entry]) -> list[TaskInfo]:
    """Return every task once: train tasks in their order, then unseen ones."""
    found: dict[str, TaskInfo] = {}
    for entry in entries:
        for task in entry.tasks:
            found.setdefault(task.name, task)
    return sorted(found.values(), key=lambda task: task.unseen)


def task_table(entries: Sequence[Entry]) -> TaskTable:
    """Lay out S of each task at the last stage of each entry that has a matrix."""
    measured = [entry for entry in entries if entry.matrices.S]
    tasks = task_columns(measured)
    rows = ((entry.title, tuple(_task_score(entry, task.name) for task in tasks)) for entry in measured)
    return TaskTable(tuple(tasks), tuple(rows))


def as_csv(entries: Sequence[Entry]) -> str:
    """Return entries and all their metrics as comma-separated values."""
    names = list(described(entry.metrics for entry in entries))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    ends = [f"{name}{end}" for name in names for end in ("", "_ci_low", "_ci_high")]
    writer.writerow(["kind", "name", "title", "method", "schedule", "task_identity", "seeds", "n", *ends])
    writer.writerows(_csv_line(entry, names) for entry in sorted(entries, key=_by_ap))
    return table.getvalue()


def _csv_line(entry: Entry, names: Sequence[str]) -> list[object]:
    by_id = {metric.id: metric for metric in entry.metrics}
    seeds = " ".join(str(seed) for seed in entry.seeds)
    head = [entry.kind, entry.name, entry.title, entry.method, entry.schedule, entry.task_identity, seeds]
    numbers: list[float | None] = []
    for name in names:
        metric = by_id.get(name)
        numbers += [metric.value, metric.ci_low, metric.ci_high] if metric else [None, None, None]
    return [*head, sum(task.n for task in entry.tasks), *numbers]


def _by_ap(entry: Entry) -> tuple[bool, bool, float, str]:
    metric = find(entry.metrics, AP)
    value = metric.value if metric else None
    return entry.kind != "run", value is None, -(value or 0.0), entry.name


def _winner(ordered: Sequence[Entry], rivals: Sequence[int], column: Column) -> int | None:
    found = best([find(ordered[at].metrics, column) for at in rivals])
    return None if found is None else rivals[found]


def _task_score(entry: Entry, name: str) -> TaskScore:
    column = next((at for at, task in enumerate(entry.tasks) if task.name == name), None)
    if column is None:
        return TaskScore(None, 0)
    value = entry.matrices.S[-1][column]
    return TaskScore(value, step(value, top(entry.matrices.S, column)))
