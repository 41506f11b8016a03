"""Scored cells of a run as one table: this is where scores become percent, and nowhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cvit_bench import plugins
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.records.matrix import Array, ScoreMatrix
from cvit_bench.records.plan import EvaluationPlan, PlannedCell
from cvit_bench.records.sample import Sample, Score

PERCENT = 100.0
Kind = Literal["S", "K", "F"]
FIELDS: dict[Kind, Callable[[Score], float]] = {
    "S": lambda score: score.strict,
    "K": lambda score: score.knowledge,
    "F": lambda score: float(score.form),
}


@dataclass(frozen=True)
class ScoredCell:
    """A cell with its samples, answers and scores, in sample order."""

    cell: PlannedCell
    samples: Sequence[Sample]
    texts: Sequence[str]
    scores: Sequence[Score]

    def values(self, kind: Kind) -> Array:
        """Return one kind of score of every sample, as the scorer gives it."""
        return np.array([FIELDS[kind](score) for score in self.scores], dtype=np.float64)


@dataclass(frozen=True)
class Table:
    """The scored paraphrase cells of a run by place, with what rows and columns mean.

    Cells of form-change variants are not part of it: they answer to another form.
    """

    inputs: RunInputs
    plan: EvaluationPlan
    cells: dict[tuple[str, str], list[ScoredCell]]

    @property
    def tasks(self) -> list[str]:
        """Tasks that were answered somewhere, in suite order."""
        answered = {task for _, task in self.cells}
        return [task for task in self.inputs.suite.tasks if task in answered]

    def parts(self, kind: Kind) -> dict[str, Array]:
        """Return for each task the scores in percent, [num_stages, num_items]; items: samples × variants."""
        return {task: np.stack([self._row(stage.name, task, kind) for stage in self.plan.stages])
                for task in self.tasks}  # fmt: skip

    def _row(self, stage: str, task: str, kind: Kind) -> Array:
        cells = self.cells.get((stage, task))
        if cells is None:
            return np.full(self._num_items(task), np.nan)
        return PERCENT * np.concatenate([cell.values(kind) for cell in cells])

    def _num_items(self, task: str) -> int:
        cells = next(cells for (_, name), cells in self.cells.items() if name == task)
        return sum(len(cell.samples) for cell in cells)

    def clusters(self, task: str) -> npt.NDArray[np.int64]:
        """Return the cluster of every item: items on one picture belong together."""
        cells = next(cells for (_, name), cells in self.cells.items() if name == task)
        pictures = [s.picture.sha256 if s.picture else s.id for cell in cells for s in cell.samples]
        return np.unique(np.array(pictures), return_inverse=True)[1]

    def matrix(self, kind: Kind) -> ScoreMatrix:
        """Return R[stage, task] of one kind of score, averaged over paraphrases."""
        parts = self.parts(kind)
        suite = self.inputs.suite
        return ScoreMatrix(
            values=np.stack([part.mean(axis=1) for part in parts.values()], axis=1),
            stages=tuple(stage.name for stage in self.plan.stages),
            tasks=tuple(parts),
            trained=tuple(stage.tasks for stage in self.plan.stages),
            num_unseen=sum(task in suite.unseen for task in parts),
            open_ended=frozenset(task for task in parts if self._scorer(task).OPEN_ENDED),
        )

    def _scorer(self, task: str) -> Any:
        return plugins.load(plugins.SCORERS, self.inputs.task(task).scorer)

    def highest(self, task: str) -> float:
        """Return the highest score that the task's scorer can give."""
        return float(self._scorer(task).HIGHEST)
