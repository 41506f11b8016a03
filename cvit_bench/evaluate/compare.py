"""Two runs compared in pairs: every metric, every task at the last stage, and the items that flipped."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cvit_bench import plugins
from cvit_bench.evaluate.flips import flips
from cvit_bench.evaluate.measures import Measured, computed, measured, rounded
from cvit_bench.evaluate.sides import Side, open_side, paired_items, refuse_other_suite
from cvit_bench.metrics.paired import PairedTest, detectable, holm, paired_test
from cvit_bench.metrics.resampling import Items
from cvit_bench.metrics.uncertainty import percentile_interval
from cvit_bench.records.choices import Resample, SplitChoice
from cvit_bench.records.comparison import Change, Comparison, MetricChange, TaskChange, TaskTest
from cvit_bench.records.matrix import Array
from cvit_bench.records.results import MetricResult, TaskInfo
from cvit_bench.records.sample import RIGHT

Pair = tuple[Measured, Measured]
_TOLD_APART = ("method", "task_identity", "templates", "seeds")


def compare(
    first: Path,
    second: Path,
    split: SplitChoice = SplitChoice.TEST,
    resample: Resample = Resample.IMAGES,
) -> Comparison:
    """Compare two runs; raise unless they answered the same items.

    Where the samples of one are not at hand (a leaderboard entry) their figures are set side by side, and
    the notes say what is missing.
    """
    one, other = open_side(first, split), open_side(second, split)
    refuse_other_suite(one, other)
    notes = _notes(one, other)
    bare = [str(side.path) for side in (one, other) if not side.has_samples]
    if bare:
        notes.append(
            f"no items beside the results of {' and '.join(bare)}: whether both answered the same can't be "
            "checked, and there are no intervals, tests and flips (`cvit-bench score` writes a run's items)"
        )
        return _comparison(one, other, notes, _printed_tasks(one, other), _printed_metrics(one, other))
    ones, others, asked = paired_items(one, other)
    pair = (
        measured(ones, one.layout(), resample=resample),
        measured(others, other.layout(), run=1, resample=resample),
    )
    tasks = _tasks(one, other, pair, {name: (items, others[name]) for name, items in ones.items()})
    found = _comparison(one, other, notes, tasks, _metrics(one, other, pair))
    return found.model_copy(update={"flips": tuple(flips(one, other, asked, others))})


def _comparison(
    one: Side, other: Side, notes: list[str], tasks: list[TaskChange], metrics: list[MetricChange]
) -> Comparison:
    return Comparison(
        suite=one.summary.suite,
        first=str(one.path),
        second=str(other.path),
        notes=tuple(notes),
        tasks=tuple(tasks),
        metrics=tuple(metrics),
    )


def _notes(one: Side, other: Side) -> list[str]:
    """Say what the runs differ in beside their weights."""
    pairs = ((name, getattr(one.summary, name), getattr(other.summary, name)) for name in _TOLD_APART)
    found = [f"{name}: {_plain(mine)} and {_plain(yours)}" for name, mine, yours in pairs if mine != yours]
    knowledge = _other_knowledge(one, other)
    return found if knowledge is None else [*found, knowledge]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _metrics(one: Side, other: Side, pair: Pair) -> list[MetricChange]:
    """Compute all metrics on both runs and on their common draws."""
    known = plugins.names(plugins.METRICS)
    return [
        shown.model_copy(update={"change": _metric_change(shown.id, pair)})
        if shown.change is not None and shown.id in known
        else shown
        for shown in _printed_metrics(one, other)
    ]


def _metric_change(name: str, pair: Pair) -> Change:
    module = plugins.load(plugins.METRICS, name)
    first, second = (float(computed(name, module, run.point)) for run in pair)
    drawn = [computed(name, module, run.draws) for run in pair]
    return _change(second - first, drawn[1] - drawn[0])


def _printed_metrics(one: Side, other: Side) -> list[MetricChange]:
    """Return the metrics as the results have them; the change has no interval."""
    lacking = _other_knowledge(one, other)
    return [_printed(mine, other.summary.metric(mine.id), lacking) for mine in one.summary.metrics]


def _printed(mine: MetricResult, yours: MetricResult | None, other_knowledge: str | None) -> MetricChange:
    first, second = mine.value, None if yours is None else yours.value
    reason = mine.reason or ("the second run's results do not have it" if yours is None else yours.reason)
    if other_knowledge is not None and _reads_knowledge(mine.id):
        reason = other_knowledge
    return MetricChange(
        id=mine.id,
        label=mine.label,
        higher_is_better=mine.higher_is_better,
        first=first,
        second=second,
        change=_bare_change(first, second) if reason is None else None,
        reason=reason,
    )


def _other_knowledge(one: Side, other: Side) -> str | None:
    """Say where K is ranked in one run and lenient in the other: two measures, whose difference is none."""
    found = {task.name: task.knowledge for task in other.summary.tasks}
    mixed = [task.name for task in one.summary.tasks if task.knowledge != found[task.name]]
    return f"K is not measured alike in both runs: {', '.join(mixed)}" if mixed else None


def _reads_knowledge(name: str) -> bool:
    known = plugins.names(plugins.METRICS)
    return name in known and "K" in plugins.load(plugins.METRICS, name).MATRIX


def _printed_tasks(one: Side, other: Side) -> list[TaskChange]:
    """Return the last rows as the results have them."""
    rows = [dict(zip((t.name for t in side.summary.tasks), side.summary.matrices.S[-1], strict=True))
            for side in (one, other)]  # fmt: skip
    return [
        _task(
            task, rows[0][task.name], rows[1][task.name], _bare_change(rows[0][task.name], rows[1][task.name])
        )
        for task in one.summary.tasks
    ]


def _bare_change(first: float | None, second: float | None) -> Change | None:
    return None if first is None or second is None else Change(value=rounded(second - first))


def _task(task: TaskInfo, first: float | None, second: float | None, change: Change | None) -> TaskChange:
    return TaskChange(
        task=task.name, title=task.title, unseen=task.unseen, first=first, second=second, change=change
    )


def _tasks(one: Side, other: Side, pair: Pair, items: Mapping[str, tuple[Items, Items]]) -> list[TaskChange]:
    """Test every task that both runs answered at their last stage."""
    tested = {name: _tested(name, *both) for name, both in items.items() if _answered(*both)}
    corrected = dict(zip(tested, holm([test.p for test, _ in tested.values()]), strict=True))
    found = []
    for shown in _printed_tasks(one, other):
        if shown.task not in tested or shown.change is None:
            found.append(shown)
            continue
        drawn = [_last(run, shown.task) for run in pair]
        change = _change(shown.change.value, drawn[1] - drawn[0])
        test = _task_test(*tested[shown.task], corrected[shown.task])
        found.append(shown.model_copy(update={"change": change, "test": test}))
    return found


def _task_test(test: PairedTest, counts: dict[str, int], corrected: float) -> TaskTest:
    effect = None if test.effect is None else rounded(test.effect)
    return TaskTest(test=test.test, p=_digits(test.p), p_holm=_digits(corrected), effect=effect, **counts)


def _answered(one: Items, other: Items) -> bool:
    return not (np.isnan(one.fields["strict"][-1]).all() or np.isnan(other.fields["strict"][-1]).all())


def _last(run: Measured, task: str) -> Array:
    """Return the draws of S of a task at the last stage."""
    draws: Array = run.draws["S"].cell(run.draws["S"].last, task)
    return draws


def _tested(task: str, one: Items, other: Items) -> tuple[PairedTest, dict[str, int]]:
    """Test a task, and count its items, its clusters and what was gained and lost."""
    first, second = one.fields["strict"][-1], other.fields["strict"][-1]
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second, clusters = first[both], second[both], one.clusters[both]
    test = paired_test(first, second, clusters, zlib.crc32(task.encode("utf-8")))
    counts = {
        "items": int(both.sum()),
        "clusters": len(np.unique(clusters)),
        "gained": int(((first < RIGHT) & (second >= RIGHT)).sum()),
        "lost": int(((first >= RIGHT) & (second < RIGHT)).sum()),
    }
    return test, counts


def _change(value: float, draws: Array) -> Change:
    low, high = percentile_interval(draws, value)
    ends = {"ci_low": rounded(low), "ci_high": rounded(high), "detectable": rounded(detectable(draws))}
    return Change(value=rounded(value), **ends)


def _digits(p: float) -> float:
    """Keep four digits of a p-value: beyond that lies the order of summation."""
    return float(f"{p:.4g}")
