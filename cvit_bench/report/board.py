"""A leaderboard as rows: who stands where, who is ranked, and what is bold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cvit_bench.records.entry import Entry
from cvit_bench.records.results import MetricResult
from cvit_bench.report.columns import AP, LEADING, Column, find
from cvit_bench.report.groups import Group, Spread, group_runs, router_seed
from cvit_bench.report.ranking import best, rank_ranges

REFERENCE = "ref."


@dataclass(frozen=True)
class Value:
    """One metric of one row; `metric` None where the entry does not have it."""

    column: Column
    metric: MetricResult | None
    is_best: bool
    spread: Spread


@dataclass(frozen=True)
class Row:
    """One line of the table: a run, or the mean of runs that differ in their seeds alone."""

    group: Group
    rank: str
    values: tuple[Value, ...]

    @property
    def entry(self) -> Entry:
        """The run, or the mean of all."""
        return self.group.mean

    @property
    def n(self) -> int:
        """How many samples were scored at a stage, over all tasks."""
        return sum(task.n or 0 for task in self.entry.tasks)


@dataclass(frozen=True)
class RunLine:
    """One run by itself, where the table shows a mean."""

    entry: Entry
    router_seed: int | None
    metrics: tuple[MetricResult | None, ...]


def is_ranked(entry: Entry) -> bool:
    """Tell whether an entry competes; without a sequence of tasks it is a reference: a bound, not a rival."""
    return entry.kind == "run" and entry.schedule == "sequential"


def build_rows(entries: Sequence[Entry]) -> list[Row]:
    """Put runs of one method together, sort by AP, rank those that compete, mark the best of each column."""
    ordered = sorted(group_runs(entries), key=lambda group: by_ap(group.mean))
    rivals = [at for at, group in enumerate(ordered) if is_ranked(group.mean)]
    ranks = dict(zip(rivals, rank_ranges([ordered[at].judged(AP) for at in rivals]), strict=True))
    winners = {column.label: _winner(ordered, rivals, column) for column in LEADING}
    return [
        Row(
            group,
            ranks.get(at, REFERENCE),
            tuple(
                Value(
                    column,
                    find(group.mean.metrics, column),
                    winners[column.label] == at,
                    group.spread(column),
                )
                for column in LEADING
            ),
        )
        for at, group in enumerate(ordered)
    ]


def shown_columns(rows: Sequence[Row]) -> list[Column]:
    """Return the leading columns in which any row has a value."""
    columns = {
        value.column.id
        for row in rows
        for value in row.values
        if value.metric and value.metric.value is not None
    }
    return [column for column in LEADING if column.id in columns]


def run_lines(rows: Iterable[Row], columns: Sequence[Column] = LEADING) -> list[RunLine]:
    """Return the single runs behind the rows that show a mean."""
    return [
        RunLine(run, router_seed(run), tuple(find(run.metrics, column) for column in columns))
        for row in rows
        if len(row.group.runs) > 1
        for run in row.group.runs
    ]


def undefined_reasons(rows: Iterable[Row]) -> list[str]:
    """Return why values of the table are undefined, each reason once with the labels it concerns."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for value in row.values:
            if value.metric is not None and value.metric.value is None:
                found.setdefault(value.metric.reason or "no reason given", {})[value.metric.label] = None
    return [f"{', '.join(labels)}: {reason}" for reason, labels in found.items()]


def by_ap(entry: Entry) -> tuple[bool, bool, float, str]:
    """Return what entries are sorted by: runs first, then the highest AP."""
    metric = find(entry.metrics, AP)
    value = metric.value if metric else None
    return entry.kind != "run", value is None, -(value or 0.0), entry.name


def _winner(ordered: Sequence[Group], rivals: Sequence[int], column: Column) -> int | None:
    found = best([ordered[at].judged(column) for at in rivals])
    return None if found is None else rivals[found]
