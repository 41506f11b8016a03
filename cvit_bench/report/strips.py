"""Wordings as strips: for each task and stage a dot for every wording of its instruction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cvit_bench.records.results import Results, TaskInfo
from cvit_bench.report.curves import Curve, Rows, level_axis, stage_axis
from cvit_bench.report.heatmap import top
from cvit_bench.report.render import number
from cvit_bench.report.svg import ACCENT, PAPER, SECOND, Frame, as_svg

_FRAME = Frame(width=230, height=120, left=30, bottom=22)


def strips(results: Results) -> list[Curve]:
    """Draw S of every wording at every stage, a panel for each task that was asked in several."""
    heldout = {one.task: one.heldout for one in results.wordings}
    return [_strip(results, at, heldout) for at, task in enumerate(results.tasks) if task.name in heldout]


def _strip(results: Results, at: int, heldout: Mapping[str, tuple[str, ...]]) -> Curve:
    task = results.tasks[at]
    rows = _rows(results, task, heldout[task.name])
    full = max(top(results.matrices.S, at), *(row["S"] for row in rows))
    label = f"Score of {task.title} in every wording at every stage"
    return Curve(task.title, task.unseen, as_svg(_panel(rows, full, len(results.stages) - 1), _FRAME, label))


def _rows(results: Results, task: TaskInfo, heldout: tuple[str, ...]) -> Rows:
    return [
        {
            "stage": cell.stage,
            "S": cell.strict.value,
            "heldout": cell.variant in heldout,
            "about": f"{task.title}, stage {cell.stage}, wording {cell.variant}"
            f"{' (held out)' if cell.variant in heldout else ''}: S {number(cell.strict.value)}",
        }
        for cell in results.cells
        if cell.task == task.name and not cell.form_change
    ]


def _panel(rows: Rows, full: float, last: int) -> Any:
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(x=stage_axis(last), description="about:N")
    spans = base.mark_rule(strokeWidth=1, color="var(--line)", aria=False).encode(
        y=level_axis(full, "low:Q"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=26, color=ACCENT, opacity=0.85)
    squares = base.mark_point(
        filled=True, size=30, shape="square", fill=PAPER, stroke=SECOND, strokeWidth=1.5, opacity=1
    )
    level = level_axis(full, "S:Q")
    return alt.layer(
        spans.transform_aggregate(low="min(S)", high="max(S)", groupby=["stage"]),
        dots.encode(y=level).transform_filter("!datum.heldout"),
        squares.encode(y=level).transform_filter("datum.heldout"),
    )
