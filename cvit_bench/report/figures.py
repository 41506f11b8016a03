"""Static SVG figures: geometry that depends on no font, colours that follow the page, an aria-label a mark.

Axis titles, panel titles and keys are HTML around the SVG: text is wrapped and read by the browser, and the
same values give the same bytes wherever they are drawn.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from cvit_bench.records.results import MetricResult, Results
from cvit_bench.report.heatmap import cell_intervals, top
from cvit_bench.report.render import interval, number

_CURVE = (230, 120)
_SCATTER = (420, 300)


@dataclass(frozen=True)
class Curve:
    """One task along the stages: what it looks like and what to call it."""

    title: str
    unseen: bool
    svg: Markup


@dataclass(frozen=True)
class Mark:
    """One entry in the scatter: its letter, its name and the two metrics it is placed by."""

    letter: str
    title: str
    across: MetricResult
    up: MetricResult


def curves(results: Results) -> list[Curve]:
    """Draw S (with its interval) and K of every task along the stages."""
    intervals = cell_intervals(results, "S")
    found = []
    for at, task in enumerate(results.tasks):
        rows = [
            _curve_row(results, stage, at, intervals.get((stage, task.name)))
            for stage in range(len(results.stages))
        ]
        full = max(top(results.matrices.S, at), top(results.matrices.K, at))
        found.append(
            Curve(task.title, task.unseen, _svg(_curve(rows, full), f"Score of {task.title} at every stage"))
        )
    return found


def scatter(marks: Sequence[Mark]) -> Markup:
    """Draw each entry's letter at its accuracy (across) and its forgetting (up), with both intervals."""
    return _svg(
        _scatter([_scatter_row(mark) for mark in marks]),
        "Accuracy across, forgetting up, one letter an entry",
    )


def _curve_row(results: Results, stage: int, at: int, ends: tuple[float, float] | None) -> dict[str, Any]:
    task, info = results.tasks[at], results.stages[stage]
    strict, knowledge = results.matrices.S[stage][at], results.matrices.K[stage][at]
    low, high = ends or (strict, strict)
    about = f"{task.title}, stage {stage} ({info.name})"
    span = f", interval {interval(*ends)}" if ends else ""
    return {
        "stage": stage,
        "S": strict,
        "K": knowledge,
        "low": low if strict is not None else None,
        "high": high if strict is not None else None,
        "trained": task.name in info.tasks,
        "about": f"{about}: S {number(strict)}{span}",
        "about_K": f"{about}: K {number(knowledge)}",
    }


def _curve(rows: list[dict[str, Any]], full: float) -> Any:
    import altair as alt

    last = max(1, len(rows) - 1)
    stages = alt.X(
        "stage:Q",
        scale=alt.Scale(domain=[0, last], nice=False),
        axis=alt.Axis(values=_ticks(last), title=None, format="d", labelFlush=False, grid=False),
    )
    level = alt.Scale(domain=[0, full], nice=False)
    ticks = alt.Axis(values=[0, 50, 100] if full < 150 else [0, 50, 100, 150], title=None)
    base = alt.Chart(alt.Data(values=rows)).encode(x=stages)
    own = {"color": "var(--accent)", "opacity": 1}
    band = base.mark_area(color="var(--accent)", opacity=0.18, aria=False).encode(
        y=alt.Y("low:Q", scale=level, axis=ticks), y2="high:Q"
    )
    knows = base.mark_line(color="var(--second)", strokeWidth=1.5, strokeDash=[4, 3], aria=False).encode(
        y="K:Q"
    )
    knows_at = base.mark_point(color="var(--second)", opacity=1, filled=True, size=14)
    line = base.mark_line(strokeWidth=2, aria=False, **own).encode(y="S:Q")
    points = base.mark_point(filled=True, size=30, **own).encode(y="S:Q", description="about:N")
    learned = points.transform_filter("datum.trained").mark_point(
        filled=True, size=130, shape="diamond", aria=False, **own
    )
    layers = alt.layer(band, knows, knows_at.encode(y="K:Q", description="about_K:N"), line, points, learned)
    return _framed(layers, _CURVE, left=30, bottom=20)


def _scatter_row(mark: Mark) -> dict[str, Any]:
    x, y = mark.across, mark.up
    said = "; ".join(
        f"{m.label} {number(m.value)}, interval {interval(m.ci_low, m.ci_high) or '–'}" for m in (x, y)
    )
    return {
        "letter": mark.letter,
        "about": f"{mark.letter} {mark.title}: {said}",
        "x": x.value,
        "x_low": x.ci_low if x.ci_low is not None else x.value,
        "x_high": x.ci_high if x.ci_high is not None else x.value,
        "y": y.value,
        "y_low": y.ci_low if y.ci_low is not None else y.value,
        "y_high": y.ci_high if y.ci_high is not None else y.value,
    }


def _scatter(rows: list[dict[str, Any]]) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=rows))
    x = alt.X("x:Q", scale=_span(rows, "x"), axis=alt.Axis(title=None, tickCount=5, labelFlush=False))
    y = alt.Y("y:Q", scale=_span(rows, "y"), axis=alt.Axis(title=None, tickCount=5))
    thin = {"color": "var(--accent)", "opacity": 0.55, "strokeWidth": 1.5, "aria": False}
    across = base.mark_rule(**thin).encode(x="x_low:Q", x2="x_high:Q", y="y:Q")
    up = base.mark_rule(**thin).encode(x="x:Q", y="y_low:Q", y2="y_high:Q")
    disc = base.mark_point(filled=True, size=280, color="var(--accent)", opacity=1).encode(
        x=x, y=y, description="about:N"
    )
    text = base.mark_text(
        color="var(--paper)", fontSize=12, fontWeight="bold", baseline="middle", dy=0.5, aria=False
    )
    layers = alt.layer(across, up, disc, text.encode(x="x:Q", y="y:Q", text="letter:N"))
    return _framed(layers, _SCATTER, left=36, bottom=24)


def _span(rows: list[dict[str, Any]], axis: str) -> Any:
    """Return a scale around all intervals with a margin, so that no mark touches the frame."""
    import altair as alt

    low = min(row[f"{axis}_low"] for row in rows)
    high = max(row[f"{axis}_high"] for row in rows)
    margin = max(2.0, 0.08 * (high - low))
    return alt.Scale(domain=[low - margin, high + margin], nice=False, zero=False)


def _ticks(last: int) -> list[int]:
    """Return whole stages to label: all of them while they fit, then every second and so on."""
    return list(range(0, last + 1, 1 + last // 12))


def _framed(layers: Any, size: tuple[int, int], left: int, bottom: int) -> Any:
    import altair as alt

    return (
        layers.properties(
            width=size[0],
            height=size[1],
            autosize=alt.AutoSizeParams(type="none"),
            padding={"left": left, "right": 12, "top": 10, "bottom": bottom},
            background="transparent",
        )
        .configure_axis(
            labelColor="currentColor",
            labelFontSize=11,
            labelPadding=6,
            labelOverlap=False,
            gridColor="var(--line)",
            domain=False,
            ticks=False,
        )
        .configure_view(stroke=None)
    )


def _svg(chart: Any, label: str) -> Markup:
    text = io.StringIO()
    chart.save(text, format="svg")
    opening = Markup('<svg class="chart" role="graphics-document" aria-label="{}"').format(escape(label))
    return Markup(text.getvalue().replace("<svg", opening, 1).replace(' class="marks"', "", 1))
