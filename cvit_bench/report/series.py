"""The main numbers along the stages: each as if the run had ended there, with its interval."""

from __future__ import annotations

from typing import Any

from cvit_bench.records.results import Results, Series
from cvit_bench.report.curves import Curve, Rows, level_axis, stage_axis
from cvit_bench.report.render import interval, number
from cvit_bench.report.svg import ACCENT, Frame, as_svg

_FRAME = Frame(width=230, height=120, left=36, bottom=22)
_STEP = 50


def series_curves(results: Results) -> list[Curve]:
    """Draw each series of a run that has two values or more."""
    labels = {metric.id: metric.label for metric in results.metrics}
    return [
        _curve(one, labels.get(one.id, one.id), len(results.stages) - 1)
        for one in results.series
        if sum(value is not None for value in one.values) > 1
    ]


def _curve(series: Series, label: str, last: int) -> Curve:
    rows: Rows = [
        {
            "stage": stage,
            "low": value.ci_low,
            "high": value.ci_high,
            "value": value.value,
            "about": f"{label} after stage {stage}: {number(value.value)}, "
            f"interval {interval(value.ci_low, value.ci_high)}",
        }
        for stage, value in enumerate(series.values)
        if value is not None
    ]
    low = min(0.0, *(row["low"] for row in rows))
    high = max(100.0 if low == 0 else 0.0, *(row["high"] for row in rows))
    ends = (_STEP * (low // _STEP), _STEP * -(-high // _STEP))
    return Curve(label, False, as_svg(_panel(rows, ends, last), _FRAME, f"{label} at every stage"))


def _panel(rows: Rows, ends: tuple[float, float], last: int) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(x=stage_axis(last))
    level = level_axis(ends[1], "value:Q", ends[0])
    band = base.mark_area(color=ACCENT, opacity=0.18, aria=False).encode(
        y=level_axis(ends[1], "low:Q", ends[0]), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2, color=ACCENT, aria=False).encode(y=level)
    points = base.mark_point(filled=True, size=30, color=ACCENT, opacity=1).encode(
        y=level, description="about:N"
    )
    return alt.layer(band, line, points)
