"""A comparison of two runs as text for a terminal."""

from collections.abc import Sequence

from tabulate import tabulate

from cvit_bench.records.comparison import Change, Comparison, Flip, Gate, MetricChange, TaskChange
from cvit_bench.report.terminal import DASH

_WIDTH = 48
_CLEAR = 0.05


def comparison_text(found: Comparison, flips: int = 0) -> str:
    """Return the tables of a comparison, with so many flips of each task and direction."""
    head = f"{found.second} against {found.first} on {found.suite}, in percent and percentage points"
    notes = [f"! {note}" for note in found.notes]
    parts = ["\n".join([head, *notes]), _tasks(found.tasks), _metrics(found.metrics), _legend(found)]
    if flips:
        parts.append(_flips(found.flips, flips))
    if found.gates:
        parts.append("\n".join(map(_gate, found.gates)))
    return "\n\n".join(part for part in parts if part)


def _gate(gate: Gate) -> str:
    verdict = "passed" if gate.passed else "FAILED"
    way = "worse" if gate.change < 0 else "better"
    return f"gate {gate.metric}: {way} by {abs(gate.change):.1f} points, limit {gate.limit:+g}: {verdict}"


def _tasks(tasks: Sequence[TaskChange]) -> str:
    headers = ("task, last stage", "first", "second", "change", "95 % interval", "gained", "lost",
               "p (Holm)", "effect", "detectable")  # fmt: skip
    return _table([_task_row(task) for task in tasks], headers)


def _task_row(row: TaskChange) -> tuple[str, ...]:
    shown = (f"{row.task}{'*' if row.unseen else ''}", *_values(row.first, row.second, row.change))
    if row.test is None:
        return (*shown, DASH, DASH, DASH, DASH, _detectable(row.change))
    p = row.test.p_holm
    name = {"mcnemar": "g", "permutation": "d"}[row.test.test]
    effect = DASH if row.test.effect is None else f"{name} = {row.test.effect:+.2f}"
    counts = str(row.test.gained), str(row.test.lost)
    return (*shown, *counts, f"{p:.3g}{' •' if p < _CLEAR else ''}", effect,
            _detectable(row.change))  # fmt: skip


def _metrics(metrics: Sequence[MetricChange]) -> str:
    headers = ("metric", "first", "second", "change", "95 % interval", "detectable")
    shown = [row for row in metrics if row.first is not None or row.second is not None]
    return _table([_metric_row(row) for row in shown], headers)


def _metric_row(row: MetricChange) -> tuple[str, ...]:
    label = row.label if row.higher_is_better else f"{row.label} (less is better)"
    return (label, *_values(row.first, row.second, row.change), _detectable(row.change))


def _detectable(change: Change | None) -> str:
    return DASH if change is None else _number(change.detectable)


def _values(first: float | None, second: float | None, change: Change | None) -> tuple[str, ...]:
    """Return both values, the change and its interval; • marks an interval without 0."""
    if change is None:
        return _number(first), _number(second), DASH, DASH
    if change.ci_low is None or change.ci_high is None:
        return _number(first), _number(second), _signed(change.value), DASH
    mark = " •" if change.ci_low > 0 or change.ci_high < 0 else ""
    ends = f"{_signed(change.ci_low)} … {_signed(change.ci_high)}{mark}"
    return _number(first), _number(second), _signed(change.value), ends


def _legend(found: Comparison) -> str:
    if not any(task.test for task in found.tasks):
        return ""
    return (
        "• the interval leaves out 0, or p < .05 after Holm's correction for all tasks; * unseen\n"
        "gained, lost: items that only the second run, or only the first, answers right\n"
        "effect: Cohen's g of exact McNemar tests, d of permutation tests\n"
        "detectable: the smallest change that these samples show with a power of 80 %\n"
        "all of it speaks of the test pictures that were drawn, not of other training seeds"
    )


def _flips(flips: Sequence[Flip], most: int) -> str:
    """Return the first flips of every task, lost ones and gained ones."""
    rows: dict[tuple[str, bool], list[Flip]] = {}
    for flip in flips:
        rows.setdefault((flip.task, flip.second > flip.first), []).append(flip)
    listed = [
        (f"{task} {'gained' if gained else 'lost'}", f"{flip.variant}/{flip.id}", *map(_said, _texts(flip)))
        for (task, gained), found in sorted(rows.items())
        for flip in found[:most]
    ]
    return _table(listed, ("flip", "item", "first said", "second said"), left=4) if listed else "no flips"


def _texts(flip: Flip) -> tuple[str, str]:
    return flip.first_text, flip.second_text


def _said(text: str) -> str:
    """Make an answer fit for a terminal: one line, nothing that moves the cursor."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain if len(plain) <= _WIDTH else f"{plain[: _WIDTH - 1]}…"


def _table(rows: Sequence[tuple[str, ...]], headers: Sequence[str], left: int = 1) -> str:
    aligned = ("left",) * left + ("right",) * (len(headers) - left)
    return str(tabulate(rows, headers=headers, tablefmt="simple", colalign=aligned, disable_numparse=True))


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}"
