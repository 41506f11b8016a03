"""What stands between matrices and metrics in a terminal: numbers along the stages, wordings, few shots."""

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from cvit_bench.records.results import Estimate, Results
from cvit_bench.report.few_shots import shot_curves
from cvit_bench.report.split_rows import split_rows

DASH = "–"
_STARTS = {"last checkpoint": "strict", "base": "base", "added by the sequence": "added"}


def beside(results: Results) -> Iterator[str]:
    """Yield a table of each kind that the results have, in percent."""
    last = len(results.stages) - 1
    title = "Change of S since a task's own stage in points, split: seeing + obeying"
    yield from _titled(title, _splits(results))
    yield from _titled("Metrics as if the run had ended at each stage", _series(results))
    yield from _titled("S over the wordings of each task, last stage", _wordings(results, last))
    yield from _titled("Asked for another form, last stage", _form_changes(results, last))
    yield from _titled("Unseen tasks after so many samples a class, S", _few_shot(results))


def _titled(title: str, rows: list[Sequence[str]]) -> Iterator[str]:
    """Yield a table under its title, or nothing; the first row holds the headers."""
    if len(rows) > 1:
        align = ("left", *("right" for _ in rows[0][1:]))
        table = tabulate(rows[1:], headers=rows[0], tablefmt="simple", colalign=align, disable_numparse=True)
        yield f"{title}\n{table}"


def _splits(results: Results) -> list[Sequence[str]]:
    headers = ["task", "last stage", "seeing", "obeying", "all later", "seeing", "obeying", "K is"]
    rows = [
        [
            row.task or row.title, *map(_value, (row.last.change, row.last.seeing, row.last.obeying)),
            *([DASH] * 3 if row.later is None
              else map(_value, (row.later.change, row.later.seeing, row.later.obeying))), row.measure,
        ]
        for row in split_rows(results)
    ]  # fmt: skip
    return [headers, *rows]


def _series(results: Results) -> list[Sequence[str]]:
    labels = {metric.id: metric.label for metric in results.metrics}
    rows = [[labels.get(one.id, one.id), *map(_value, one.values)] for one in results.series]
    return [["metric", *(str(at) for at in range(len(results.stages)))], *rows]


def _wordings(results: Results, stage: int) -> list[Sequence[str]]:
    headers = ["task", "mean", "worst", "in", "spread", "consistent", "agreement", "train − heldout"]
    rows = [
        [
            one.task, _value(one.mean), _value(one.worst), one.worst_variant, _value(one.spread),
            _value(one.consistency), _value(one.agreement), _value(one.gap),
        ]
        for one in results.wordings
        if one.stage == stage
    ]  # fmt: skip
    return [headers, *rows]


def _form_changes(results: Results, stage: int) -> list[Sequence[str]]:
    rows = [
        [one.task, _value(one.form), _value(one.knowledge)]
        for one in results.form_changes
        if one.stage == stage
    ]
    return [["task", "in that form", "right in any form"], *rows]


def _few_shot(results: Results) -> list[Sequence[str]]:
    """Return three rows a task: tuned from the last checkpoint, from the base, and what lies between."""
    curves = shot_curves(results)
    counts = sorted({point.shots for curve in curves for point in curve.points})
    rows = [
        [curve.task, start, *(_value(getattr(known.get(count), name, None)) for count in counts)]
        for curve in curves
        for known in [{point.shots: point for point in curve.points}]
        for start, name in _STARTS.items()
        if any(getattr(point, name) is not None for point in curve.points)
    ]
    return [["task", "tuned from", *map(str, counts)], *rows]


def _value(found: Estimate | None) -> str:
    return DASH if found is None else f"{found.value:.1f}"
