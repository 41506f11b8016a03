"""`cvit-bench compare`: two runs on the same items, in pairs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvit_bench.cli.options import Json, Resampled, Split
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.text import unknown_name, visible

if TYPE_CHECKING:
    from cvit_bench.records.comparison import Comparison, Gate, MetricChange

Run = Annotated[Path, typer.Argument(help="A run directory, or the json of a leaderboard entry.")]


def compare(
    first: Run,
    second: Run,
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", help="METRIC=POINTS, such as bwt=-2: exit 1 when it got worse by more."),
    ] = None,
    flips: Annotated[int, typer.Option("--flips", min=0, help="Print so many flips of each task.")] = 0,
    split: Split = SplitChoice.TEST,
    resample: Resampled = Resample.IMAGES,
    json: Json = False,
) -> None:
    """Compare the second run with the first.

    Prints intervals, tests and flips; exit 1 when a gate fails.
    """
    from cvit_bench.evaluate.compare import compare as compared
    from cvit_bench.report.comparison import comparison_text

    limits = [_limit(text) for text in gate or []]
    found = compared(first, second, split, resample)
    gates = tuple(_gate(found, name, points) for name, points in limits)
    found = found.model_copy(update={"gates": gates})
    print(found.model_dump_json(indent=1) if json else visible(comparison_text(found, flips)))
    if not all(one.passed for one in gates):
        raise typer.Exit(1)


def _limit(text: str) -> tuple[str, float]:
    """Read `METRIC=POINTS`."""
    name, _, points = text.partition("=")
    try:
        limit = float(points)
    except ValueError:
        limit = float("nan")
    if not name or not math.isfinite(limit):
        raise CvitBenchError(f"--gate {text}: expected METRIC=POINTS, such as bwt=-2")
    return name, limit


def _gate(found: "Comparison", name: str, limit: float) -> "Gate":
    """Judge a metric: its change in the good direction must not be below the limit."""
    from cvit_bench.records.comparison import Gate

    metric = _metric(found, name)
    if metric.change is None:
        raise CvitBenchError(f"--gate {name}: {metric.label} is undefined: {metric.reason}")
    change = metric.change.value if metric.higher_is_better else -metric.change.value
    return Gate(metric=metric.id, limit=limit, change=change, passed=change >= limit)


def _metric(found: "Comparison", name: str) -> "MetricChange":
    """Find a metric by its id, or by its label in any case (`bwt` is the one that is printed as BWT)."""
    by_id = {metric.id: metric for metric in found.metrics}
    by_label = {metric.label.casefold(): metric for metric in found.metrics}
    metric = by_id.get(name) or by_label.get(name.casefold())
    if metric is None:
        raise CvitBenchError(f"--gate: {unknown_name('metric', name, by_id)}")
    return metric
