"""Forgetting curves: each task along the stages, a small panel a task."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cvit_bench.records.results import Results
from cvit_bench.report.heatmap import cell_intervals, top
from cvit_bench.report.render import interval, number
from cvit_bench.report.svg import ACCENT, SECOND, Frame, as_svg

_FRAME = Frame(width=230, height=120, left=30, bottom=22)
_MANY_STAGES = 12

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Curve:
    """One task along the stages: what it is called and what it looks like."""

    title: str
    unseen: bool
    svg: Markup


def curves(results: Results) -> list[Curve]:
    """Draw S (with its interval) and K of every task; one stage alone makes no curve."""
    return [_curve(results, at) for at in range(len(results.tasks))] if len(results.stages) > 1 else []


def _curve(results: Results, at: int) -> Curve:
    task = results.tasks[at]
    full = max(top(results.matrices.S, at), top(results.matrices.K, at))
    panel = _panel(_rows(results, at), full)
    return Curve(task.title, task.unseen, as_svg(panel, _FRAME, f"Score of {task.title} at every stage"))


def _rows(results: Results, at: int) -> Rows:
    ends = cell_intervals(results, "S")
    name = results.tasks[at].name
    return [_row(results, stage, at, ends.get((stage, name))) for stage in range(len(results.stages))]


def _row(results: Results, stage: int, at: int, ends: tuple[float, float] | None) -> dict[str, Any]:
    task, info = results.tasks[at], results.stages[stage]
    strict, knowledge = results.matrices.S[stage][at], results.matrices.K[stage][at]
    low, high = ends or (strict, strict)
    about = f"{task.title}, stage {stage} ({info.name})"
    span = f", interval {interval(*ends)}" if ends else ""
    return {
        "stage": stage,
        "S": strict,
        "K": knowledge,
        "low": None if strict is None else low,
        "high": None if strict is None else high,
        "trained": task.name in info.tasks,
        "about": f"{about}: S {number(strict)}{span}",
        "about_K": f"{about}: K {number(knowledge)}",
    }


def _panel(rows: Rows, full: float) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(x=stage_axis(len(rows) - 1))
    kept, known = {"color": ACCENT, "opacity": 1}, {"color": SECOND, "opacity": 1}
    band = base.mark_area(color=ACCENT, opacity=0.18, aria=False).encode(y=level_axis(full), y2="high:Q")
    dashes = base.mark_line(strokeWidth=1.5, strokeDash=[4, 3], aria=False, **known).encode(y="K:Q")
    dots = base.mark_point(filled=True, size=14, **known).encode(y="K:Q", description="about_K:N")
    line = base.mark_line(strokeWidth=2, aria=False, **kept).encode(y="S:Q")
    points = base.mark_point(filled=True, size=30, **kept).encode(y="S:Q", description="about:N")
    diamond = base.mark_point(filled=True, size=130, shape="diamond", aria=False, **kept).encode(y="S:Q")
    return alt.layer(band, dashes, dots, line, points, diamond.transform_filter("datum.trained"))


def stage_axis(last: int) -> Any:
    """Return the axis of stages, every one labelled while they fit."""
    import altair as alt

    ticks = list(range(0, last + 1, 1 + last // _MANY_STAGES))
    axis = alt.Axis(values=ticks, title=None, format="d", grid=False)
    return alt.X("stage:Q", scale=alt.Scale(domain=[0, last], nice=False), axis=axis)


def level_axis(full: float, field: str = "low:Q", least: float = 0) -> Any:
    """Return the axis of scores: from 0 to 100 or to the largest value, or from the least one."""
    import altair as alt

    ticks = list(range(int(least), int(full) + 1, 50 * (1 + int(full - least) // 200)))
    scale = alt.Scale(domain=[least, full], nice=False)
    return alt.Y(field, scale=scale, axis=alt.Axis(values=ticks, title=None))
