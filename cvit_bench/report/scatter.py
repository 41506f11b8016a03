"""Accuracy against forgetting: each entry a letter, with both intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cvit_bench.records.entry import Entry
from cvit_bench.records.results import MetricResult
from cvit_bench.report.columns import AP, FORGETTING, find
from cvit_bench.report.render import interval, number
from cvit_bench.report.svg import ACCENT, PAPER, Frame, as_svg

_FRAME = Frame(width=420, height=300, left=36, bottom=26)
_LABEL = "Accuracy across, forgetting up, one letter an entry"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Mark:
    """One entry in the scatter: its letter, its name and the two metrics it is placed by."""

    letter: str
    title: str
    across: MetricResult
    up: MetricResult


def scatter_marks(entries: Sequence[Entry]) -> list[Mark]:
    """Return the entries that have both accuracy and forgetting, lettered in the order given."""
    pairs = [(entry.title, find(entry.metrics, AP), find(entry.metrics, FORGETTING)) for entry in entries]
    whole = [(title, x, y) for title, x, y in pairs if _defined(x) and _defined(y)]
    return [Mark(letters(at), title, x, y) for at, (title, x, y) in enumerate(whole) if x and y]


def scatter(marks: Sequence[Mark]) -> Markup:
    """Draw the marks; fewer than two make no figure."""
    return as_svg(_chart([_row(mark) for mark in marks]), _FRAME, _LABEL) if len(marks) > 1 else Markup()


def letters(at: int) -> str:
    """Return A for 0, B for 1, and AA after Z."""
    before, last = divmod(at, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)


def _defined(metric: MetricResult | None) -> bool:
    return metric is not None and metric.value is not None


def _row(mark: Mark) -> dict[str, Any]:
    across, up = _spread("x", mark.across), _spread("y", mark.up)
    about = f"{mark.letter} {mark.title}: {_said(mark.across)}; {_said(mark.up)}"
    return {"letter": mark.letter, "about": about, **across, **up}


def _spread(axis: str, metric: MetricResult) -> dict[str, float | None]:
    low = metric.value if metric.ci_low is None else metric.ci_low
    high = metric.value if metric.ci_high is None else metric.ci_high
    return {axis: metric.value, f"{axis}_low": low, f"{axis}_high": high}


def _said(metric: MetricResult) -> str:
    span = interval(metric.ci_low, metric.ci_high)
    return f"{metric.label} {number(metric.value)}" + (f", interval {span}" if span else "")


def _chart(rows: Rows) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=rows))
    x = alt.X("x:Q", scale=_scale(rows, "x"), axis=alt.Axis(title=None, tickCount=5))
    y = alt.Y("y:Q", scale=_scale(rows, "y"), axis=alt.Axis(title=None, tickCount=5))
    bars = base.mark_rule(color=ACCENT, opacity=0.55, strokeWidth=1.5, aria=False)
    disc = base.mark_point(filled=True, size=280, color=ACCENT, opacity=1)
    letter = base.mark_text(
        color=PAPER, fontSize=12, fontWeight="bold", baseline="middle", dy=0.5, aria=False
    )
    return alt.layer(
        bars.encode(x="x_low:Q", x2="x_high:Q", y="y:Q"),
        bars.encode(x="x:Q", y="y_low:Q", y2="y_high:Q"),
        disc.encode(x=x, y=y, description="about:N"),
        letter.encode(x="x:Q", y="y:Q", text="letter:N"),
    )


def _scale(rows: Rows, axis: str) -> Any:
    """Return a scale around all intervals with a margin, so that no mark touches the frame."""
    import altair as alt

    low = min(row[f"{axis}_low"] for row in rows)
    high = max(row[f"{axis}_high"] for row in rows)
    margin = max(2.0, 0.08 * (high - low))
    return alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)
