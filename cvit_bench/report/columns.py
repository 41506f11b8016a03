"""Which metrics lead: the columns of a leaderboard and the headline of a run report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cvit_bench.records.results import MetricResult


@dataclass(frozen=True)
class Column:
    """A metric by its id, and the label of its column."""

    label: str
    id: str


AP = Column("AP", "ap")
FORGETTING = Column("Forgetting", "forgetting")
LEADING = (
    AP,
    Column("AP w/o captions", "ap_no_caption"),
    Column("MAP", "map"),
    Column("BWT", "bwt_tm1"),
    Column("Seeing", "seeing"),
    Column("Obeying", "obeying"),
    FORGETTING,
    Column("MIF", "mif"),
    Column("Unseen", "unseen"),
)


def find(metrics: Sequence[MetricResult], column: Column) -> MetricResult | None:
    """Return the metric that a column shows, or None where the run does not have it."""
    return next((metric for metric in metrics if metric.id == column.id), None)


def described(runs: Iterable[Sequence[MetricResult]]) -> dict[str, MetricResult]:
    """Return every metric by id, leading ones first, as the first run that has it describes it."""
    found: dict[str, MetricResult] = {}
    for run in runs:
        for metric in run:
            found.setdefault(metric.id, metric)
    order = {column.id: at for at, column in enumerate(LEADING)}
    return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))
