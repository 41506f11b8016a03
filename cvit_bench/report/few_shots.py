"""Unseen tasks after a few samples: scores against shots, from the last checkpoint and from the base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cvit_bench.records.results import Estimate, FewShotCurve, FewShotPoint, Results
from cvit_bench.report.curves import Curve, Rows, level_axis
from cvit_bench.report.render import interval, number
from cvit_bench.report.svg import ACCENT, SECOND, Frame, as_svg

_FRAME = Frame(width=230, height=120, left=30, bottom=22)


@dataclass(frozen=True)
class ShotRow:
    """A task after so many samples a class; `form` is F of the tuned last checkpoint."""

    task: str
    shots: int
    strict: Estimate
    form: Estimate | None
    base: Estimate | None
    added: Estimate | None


def shot_curves(results: Results) -> tuple[FewShotCurve, ...]:
    """Return the curves with the base's own score at 0 shots; files of before hold it beside the points."""
    return tuple(
        curve.model_copy(update={"points": tuple(_with_base(curve, point) for point in curve.points)})
        for curve in results.few_shot_curves or _unjoined(results)
    )


def _with_base(curve: FewShotCurve, point: FewShotPoint) -> FewShotPoint:
    is_bare = point.shots == 0 and point.base is None
    return point.model_copy(update={"base": curve.base}) if is_bare else point


def _unjoined(results: Results) -> list[FewShotCurve]:
    """Return curves of what files without any have: single scores."""
    points: dict[str, list[FewShotPoint]] = {}
    for one in results.few_shot:
        points.setdefault(one.task, []).append(FewShotPoint(shots=one.shots, strict=one.strict))
    return [FewShotCurve(task=task, points=tuple(found)) for task, found in points.items()]


def shot_rows(results: Results) -> list[ShotRow]:
    """Return a row for each point of each curve."""
    forms = {(one.task, one.shots): one.form for one in results.few_shot if not one.from_base}
    return [
        ShotRow(
            curve.task, point.shots, point.strict, forms.get((curve.task, point.shots)), point.base,
            point.added,
        )
        for curve in shot_curves(results)
        for point in curve.points
    ]  # fmt: skip


def shot_charts(results: Results) -> list[Curve]:
    """Draw each curve that has two points or more."""
    titles = {task.name: task.title for task in results.tasks}
    return [
        _chart(titles.get(curve.task, curve.task), curve.points)
        for curve in shot_curves(results)
        if len(curve.points) > 1
    ]


def _chart(title: str, points: Sequence[FewShotPoint]) -> Curve:
    rows: Rows = [
        {
            "shots": point.shots,
            "start": start,
            "value": found.value,
            "low": found.ci_low,
            "high": found.ci_high,
            "about": f"{title}, {point.shots} samples a class, from the {start}: S {number(found.value)}, "
            f"interval {interval(found.ci_low, found.ci_high)}",
        }
        for point in points
        for start, found in (("last checkpoint", point.strict), ("base", point.base))
        if found is not None
    ]
    full = max(100.0, *(row["high"] for row in rows))
    label = f"Score of {title} after so many samples a class"
    return Curve(title, True, as_svg(_panel(rows, full), _FRAME, label))


def _panel(rows: Rows, full: float) -> Any:
    import altair as alt

    shots = sorted({row["shots"] for row in rows})
    axis = alt.Axis(values=shots, title=None, format="d", grid=False)
    x = alt.X("shots:Q", scale=alt.Scale(domain=[0, shots[-1]], nice=False), axis=axis)
    base = alt.Chart(alt.Data(values=rows)).encode(x=x)
    layers = []
    for start, colour, dashes in (("last checkpoint", ACCENT, [1, 0]), ("base", SECOND, [4, 3])):
        own = base.transform_filter(alt.datum.start == start)
        band = own.mark_area(color=colour, opacity=0.15, aria=False).encode(y=level_axis(full), y2="high:Q")
        line = own.mark_line(strokeWidth=2, strokeDash=dashes, color=colour, aria=False).encode(
            y=level_axis(full, "value:Q")
        )
        points = own.mark_point(filled=True, size=30, color=colour, opacity=1).encode(
            y=level_axis(full, "value:Q"), description="about:N"
        )
        layers += [band, line, points]
    return alt.layer(*layers)
