"""The two sides of a comparison: opened, and held to the same suite, tasks, scorers and items."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cvit_bench import plugins
from cvit_bench.errors import CvitBenchError
from cvit_bench.evaluate.item_files import ASKED, AskedItems, Key, read_items
from cvit_bench.metrics.resampling import Items
from cvit_bench.records.choices import SplitChoice
from cvit_bench.records.entry import Entry
from cvit_bench.records.load import load_json
from cvit_bench.records.matrix import ScoreMatrix
from cvit_bench.records.plan import items_path
from cvit_bench.records.results import Results, RunSummary, load_results, results_path
from cvit_bench.records.shape import refuse_ragged

_SHOWN = 3


@dataclass(frozen=True)
class Side:
    """One run: what is known of it, and its directory where its samples are at hand."""

    path: Path
    summary: RunSummary
    split: SplitChoice

    @property
    def has_samples(self) -> bool:
        """Whether every task's items lie beside the results."""
        return all(items_path(self.path, task.name, self.split).is_file() for task in self.summary.tasks)

    @property
    def last(self) -> str:
        """The name of the last stage."""
        return self.summary.stages[-1].name

    def items(self, task: str) -> AskedItems:
        """Read what the run answered on a task."""
        return read_items(self.path, task, len(self.summary.stages), self.split)

    def layout(self) -> ScoreMatrix:
        """Return the names of rows and columns, without values."""
        run = self.summary
        scorers = {task.name: plugins.load(plugins.SCORERS, task.scorer) for task in run.tasks}
        cells = run.cells if isinstance(run, Results) else ()
        return ScoreMatrix(
            values=np.full((len(run.stages), len(run.tasks)), np.nan),
            stages=tuple(stage.name for stage in run.stages),
            tasks=tuple(scorers),
            trained=tuple(stage.tasks for stage in run.stages),
            num_unseen=sum(task.unseen for task in run.tasks),
            open_ended=frozenset(name for name, scorer in scorers.items() if scorer.OPEN_ENDED),
            form_changes=frozenset(cell.task for cell in cells if cell.form_change),
        )


def open_side(path: Path, split: SplitChoice) -> Side:
    """Open a run directory, or the json of a leaderboard entry."""
    source = results_path(path, split) if path.is_dir() else path
    summary: RunSummary = load_results(source) if path.is_dir() else load_json(source, Entry)
    refuse_ragged(source, summary)
    return Side(path, summary, split)


def refuse_other_suite(first: Side, second: Side) -> None:
    """Raise unless both runs answered the same tasks of the same suite, judged by the same scorers."""
    one, other = first.summary, second.summary
    problems = [
        f"{name}: {getattr(one, name)} and {getattr(other, name)}"
        for name in ("suite", "suite_version")
        if getattr(one, name) != getattr(other, name)
    ]
    scorers = [{task.name: task.scorer for task in run.tasks} for run in (one, other)]
    for side, tasks, others in ((first, scorers[0], scorers[1]), (second, scorers[1], scorers[0])):
        only = [task for task in tasks if task not in others]
        if only:
            problems.append(f"tasks: {', '.join(only)}: only in {side.path}")
    problems += [
        f"task {task}: scorer: {name} and {scorers[1][task]}"
        for task, name in scorers[0].items()
        if scorers[1].get(task, name) != name
    ]
    _refuse(first, second, problems)


def paired_items(
    first: Side, second: Side
) -> tuple[dict[str, Items], dict[str, Items], dict[str, AskedItems]]:
    """Return the items of both sides in one order, and what they were asked; raise unless it is the same."""
    problems: list[str] = []
    ones, others, asked = {}, {}, {}
    for task in (task.name for task in first.summary.tasks):
        one, other = first.items(task), second.items(task)
        found = _differences(one, other, first, second)
        problems += [f"task {task}: {what}" for what in found]
        if not found:
            order = {key: at for at, key in enumerate(other.keys)}
            at = [order[key] for key in one.keys]
            fields = {name: rows[:, at] for name, rows in other.items.fields.items()}
            ones[task], asked[task] = one.items, one
            others[task] = replace(one.items, fields=fields, highest=other.items.highest)
    _refuse(first, second, problems)
    return ones, others, asked


def _refuse(first: Side, second: Side, problems: Sequence[str]) -> None:
    if problems:
        listed = "\n  ".join(problems)
        raise CvitBenchError(
            f"{first.path} and {second.path} did not answer the same, so they can't be compared:\n  {listed}"
        )


def _differences(one: AskedItems, other: AskedItems, first: Side, second: Side) -> list[str]:
    """Say which items stand on one side alone, and which were asked something else."""
    hashes, others = (
        dict(zip(one.keys, one.hashes, strict=True)),
        dict(zip(other.keys, other.hashes, strict=True)),
    )
    problems = [
        f"{_few(only, len(mine))} only in {side.path}"
        for side, mine, yours in ((first, hashes, others), (second, others, hashes))
        if (only := [key for key in mine if key not in yours])
    ]
    shared = [key for key in hashes if key in others]
    for at, what in enumerate(ASKED):
        changed = [key for key in shared if hashes[key][at] != others[key][at]]
        if changed:
            problems.append(f"{what}: differs in {_few(changed, len(shared))}")
    return problems


def _few(keys: Sequence[Key], of: int) -> str:
    shown = ", ".join(f"{variant}/{name}" for variant, name in keys[:_SHOWN])
    return f"{len(keys)} of {of} items ({shown}{', …' if len(keys) > _SHOWN else ''})"
