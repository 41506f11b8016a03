"""The score matrix R[stage, task] that every metric reads (Lopez-Paz and Ranzato, 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from cvit_bench.errors import MetricUndefinedError

Array = npt.NDArray[np.float64]
Kind = Literal["S", "K", "F", "L", "W", "B", "A", "C", "T", "H", "O", "N", "M", "P"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""S strict, K knowledge (ranked where the answer set is closed), F form kept, L lenient knowledge.

The others, over wordings, under form changes and of reference runs: `metrics/beside.py`.
"""


@dataclass(frozen=True)
class ScoreMatrix:
    """Scores of every task at every stage, in percent; NaN where a cell was not run.

    One matrix, or many of them at once (the draws of a bootstrap): what is read from it has the leading
    axes of `values`, written `...` below, before its own.

    Attributes:
        values: [..., num_stages, num_tasks]; row 0 is the untouched base.
        stages: names of the rows.
        tasks: names of the columns: train tasks in training order, then unseen ones.
        trained: for each row the tasks it was trained on (row 0: none).
        num_unseen: how many of the last columns are unseen tasks.
        open_ended: tasks scored against whole sentences (captioning), whose scale is not an accuracy.
        form_changes: tasks that are asked in another form as well.
        was_not: what was not done where a cell is NaN, for the message that refuses it.
    """

    values: Array
    stages: tuple[str, ...]
    tasks: tuple[str, ...]
    trained: tuple[tuple[str, ...], ...]
    num_unseen: int = 0
    open_ended: frozenset[str] = frozenset()
    form_changes: frozenset[str] = frozenset()
    was_not: str = "run"

    @property
    def train_tasks(self) -> tuple[str, ...]:
        """The columns that are trained on."""
        return self.tasks[: len(self.tasks) - self.num_unseen]

    @property
    def unseen_tasks(self) -> tuple[str, ...]:
        """The columns that are never trained on."""
        return self.tasks[len(self.tasks) - self.num_unseen :]

    @property
    def last(self) -> int:
        """Index of the last stage, T."""
        return len(self.stages) - 1

    def cell(self, stage: int, task: str) -> Array:
        """Return R[stage, task], [...]; raise MetricUndefinedError where it was not run."""
        value: Array = self.values[..., stage, self.tasks.index(task)]
        if np.isnan(value).any():
            if np.isnan(self.values).all():
                raise MetricUndefinedError(f"no task was {self.was_not}")
            raise MetricUndefinedError(f"task {task} was not {self.was_not} at stage {self.stages[stage]}")
        return value

    def row(self, stage: int, tasks: Sequence[str]) -> Array:
        """Return R[stage, tasks] in the given order, [..., num_tasks]."""
        if not tasks:
            was_run = self.was_not == "run"
            raise MetricUndefinedError(
                "there is no task to average over" if was_run else f"no task was {self.was_not}"
            )
        return np.stack([self.cell(stage, task) for task in tasks], axis=-1)

    def until(self, stage: int) -> "ScoreMatrix":
        """Return the matrix of the run as if it had ended there: tasks trained so far, and unseen ones."""
        trained = {task for tasks in self.trained[: stage + 1] for task in tasks}
        keep = [at for at, task in enumerate(self.tasks) if task in trained or task in self.unseen_tasks]
        return replace(
            self,
            values=self.values[..., : stage + 1, keep],
            stages=self.stages[: stage + 1],
            tasks=tuple(self.tasks[at] for at in keep),
            trained=self.trained[: stage + 1],
        )

    def sequence(self) -> tuple[str, ...]:
        """Return the task of each stage 1..T; raise unless every stage trained exactly one train task."""
        order = tuple(tasks[0] for tasks in self.trained[1:] if len(tasks) == 1)
        if len(order) != self.last or len(set(order)) != len(order):
            raise MetricUndefinedError("the run does not train one task after another")
        if unasked := [task for task in order if task not in self.tasks]:
            raise MetricUndefinedError(f"trained, but never asked: {', '.join(unasked)}")
        if sorted(order) != sorted(self.train_tasks):
            count = f"{len(order)} of {len(self.train_tasks)}"
            raise MetricUndefinedError(f"the run has trained {count} tasks")
        return order

    def just_learned(self) -> Array:
        """Return the diagonal R[t, t], t = 1..T, [..., T]: every task right after its own stage, in order."""
        if self.last == 0:
            raise MetricUndefinedError("nothing was trained")
        cells = [self.cell(stage, task) for stage, task in enumerate(self.sequence(), start=1)]
        return np.stack(cells, axis=-1)

    def backward_changes(self, captions: bool = True) -> Array:
        """Return R[T, j] − R[j, j], [..., tasks]: every task but the last one trained, in training order.

        Without `captions` tasks that are scored against whole sentences are left out.
        """
        return np.stack(
            [self._change(task, own, self.last) for own, task in self._earlier(captions)], axis=-1
        )

    def later_changes(self, captions: bool = True) -> Array:
        """Return the mean over all stages t > j of R[t, j] − R[j, j], [..., tasks], for the same tasks."""
        means = [
            np.mean([self._change(task, own, stage) for stage in range(own + 1, self.last + 1)], axis=0)
            for own, task in self._earlier(captions)
        ]
        return np.stack(means, axis=-1)

    def _change(self, task: str, own: int, stage: int) -> Array:
        return self.cell(stage, task) - self.cell(own, task)

    def _earlier(self, captions: bool) -> list[tuple[int, str]]:
        """Return every task but the last one trained with its own stage."""
        found = list(enumerate(self.sequence(), start=1))[:-1]
        if not found:
            raise MetricUndefinedError("the run has one stage; this needs two or more")
        kept = [(own, task) for own, task in found if captions or task not in self.open_ended]
        if not kept:
            raise MetricUndefinedError("there is no task to average over")
        return kept
