"""What each task lost since its own stage, as two parts stacked: of seeing, and of obeying.

    S[own] − S[t]  =  (K[own] − K[t])  +  (G[t] − G[own]),    G = K − S

exactly, whatever K is. A part below zero is a gain.
"""

from __future__ import annotations

from typing import Any

from cvit_bench.records.results import Results
from cvit_bench.report.curves import Curve, Rows, stage_axis
from cvit_bench.report.render import number
from cvit_bench.report.svg import ACCENT, SECOND, Frame, as_svg

_FRAME = Frame(width=230, height=120, left=36, bottom=22)
_STEP = 50


def losses(results: Results) -> list[Curve]:
    """Draw every train task that was asked again after its own stage."""
    found = ((at, _rows(results, at)) for at in range(len(results.tasks)))
    last = len(results.stages) - 1
    return [_curve(results.tasks[at].title, rows, last) for at, rows in found if rows]


def loss_parts(results: Results, at: int) -> list[tuple[int, float, float]]:
    """Return for each stage after a task's own what was lost of seeing and of obeying, in points."""
    task = results.tasks[at].name
    own = next((stage for stage, info in enumerate(results.stages) if task in info.tasks), None)
    if own is None or results.schedule == "per_task":
        return []
    pairs = [_known(results, stage, at) for stage in range(own, len(results.stages))]
    if pairs[0] is None:
        return []
    first_s, first_k = pairs[0]
    return [
        (stage, first_k - pair[1], (pair[1] - pair[0]) - (first_k - first_s))
        for stage, pair in enumerate(pairs[1:], start=own + 1)
        if pair is not None
    ]


def _known(results: Results, stage: int, at: int) -> tuple[float, float] | None:
    """Return S and K of a cell, None where one is not known."""
    strict, knowledge = results.matrices.S[stage][at], results.matrices.K[stage][at]
    return None if strict is None or knowledge is None else (strict, knowledge)


def _rows(results: Results, at: int) -> Rows:
    title = results.tasks[at].title
    return [
        {
            "stage": stage,
            "value": value,
            "part": part,
            "about": f"{title}, stage {stage}: {number(value)} points lost of {what}",
        }
        for stage, seeing, obeying in loss_parts(results, at)
        for part, value, what in ((0, seeing, "seeing"), (1, obeying, "obeying"))
    ]


def _curve(title: str, rows: Rows, last: int) -> Curve:
    stacks = [
        sum(row["value"] for row in rows if row["stage"] == stage and (row["value"] > 0) == up)
        for stage in {row["stage"] for row in rows}
        for up in (True, False)
    ]
    ends = (_STEP * (min([0.0, *stacks]) // _STEP), max(100.0, _STEP * -(-max(stacks) // _STEP)))
    label = f"What {title} lost since its own stage"
    return Curve(title, False, as_svg(_panel(rows, ends, last), _FRAME, label))


def _panel(rows: Rows, ends: tuple[float, float], last: int) -> Any:
    import altair as alt

    ticks = list(range(int(ends[0]), int(ends[1]) + 1, _STEP * (1 + int(ends[1] - ends[0]) // 200)))
    scale, axis = alt.Scale(domain=list(ends), nice=False), alt.Axis(values=ticks, title=None)
    colours = alt.Color("part:N", scale=alt.Scale(domain=[0, 1], range=[ACCENT, SECOND]), legend=None)
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(size=14)
        .encode(
            x=stage_axis(last),
            y=alt.Y("value:Q", stack="zero", scale=scale, axis=axis),
            color=colours,
            order="part:O",
            description="about:N",
        )
    )
    return alt.layer(bars)
