"""Forgetting split into seeing and obeying, a line a task: at the last stage, and over all later stages."""

from dataclasses import dataclass

from cvit_bench.records.results import Results, SplitChange


@dataclass(frozen=True)
class SplitRow:
    """A task, or (`task` null) the mean of all tasks before the last stage.

    Attributes:
        measure: how K was measured.
        last, later: the split at the last stage, and averaged over all stages after the task's own.
    """

    task: str | None
    title: str
    measure: str
    last: SplitChange
    later: SplitChange | None


def split_rows(results: Results) -> list[SplitRow]:
    """Return a row for each task that had later stages, then the means over them."""
    stage = len(results.stages) - 1
    about = {task.name: task for task in results.tasks}
    later = {one.task: one for one in results.splits if one.stage is None}
    rows = []
    for one in results.splits:
        if one.stage == stage and one.task is not None:
            task = about[one.task]
            measure = task.knowledge or "lenient"
            rows.append(SplitRow(one.task, task.title, measure, one, later.get(one.task)))
    means = [one for one in results.splits if one.stage == stage and one.task is None]
    titles = {True: "mean", False: "mean without captions"}
    return rows + [SplitRow(None, titles[one.captions], "", one, None) for one in means]
