"""Scored cells of a run as one table of fields: what the matrices and the bootstrap are made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvit_bench import plugins
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.metrics.resampling import Items
from cvit_bench.records.matrix import Array, ScoreMatrix
from cvit_bench.records.plan import EvaluationPlan, PlannedCell
from cvit_bench.records.sample import Sample, Score

FIELDS: Mapping[str, Callable[[Score], float]] = {
    "strict": lambda score: score.strict,
    "lenient": lambda score: score.knowledge,
    "form": lambda score: float(score.form),
}
SCALED = ("strict", "lenient")
"""Fields in the unit of the scorer, up to its HIGHEST; the others are shares."""


@dataclass(frozen=True)
class ScoredCell:
    """A cell with its samples and the fields of their scores, in sample order.

    Answers are not kept: they stand in the predictions, and beside their scores in the score files.
    """

    cell: PlannedCell
    samples: Sequence[Sample]
    fields: Mapping[str, Array]

    def values(self, name: str) -> Array:
        """Return one field of every sample, [num_samples], as the scorer gives it."""
        return self.fields[name]


def scored_cell(cell: PlannedCell, samples: Sequence[Sample], scores: Sequence[Score]) -> ScoredCell:
    """Keep the numbers of a cell's scores."""
    fields = {
        name: np.array([field(score) for score in scores], np.float64) for name, field in FIELDS.items()
    }
    return ScoredCell(cell, samples, fields)


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

    @cached_property
    def items(self) -> dict[str, Items]:
        """The fields of every task that a stage of the sequence answered, item by item."""
        found = {task: self._items(task) for task in self.tasks}
        return {task: items for task, items in found.items() if len(items.clusters)}

    def _items(self, task: str) -> Items:
        """Place every answer by its variant and sample, so that columns are the same items at all stages."""
        rows = [self.cells.get((stage.name, task), []) for stage in self.plan.stages]
        samples = {
            (cell.cell.variant, one.id): one for cells in rows for cell in cells for one in cell.samples
        }
        place = {key: at for at, key in enumerate(samples)}
        fields = {name: np.full((len(rows), len(place)), np.nan) for name in FIELDS}
        for stage, cells in enumerate(rows):
            for cell in cells:
                at = [place[cell.cell.variant, one.id] for one in cell.samples]
                for name, values in fields.items():
                    values[stage, at] = cell.values(name)
        pictures = [one.picture.sha256 if one.picture else one.id for one in samples.values()]
        clusters = np.unique(np.array(pictures), return_inverse=True)[1]
        return Items(fields, clusters, dict.fromkeys(SCALED, self.highest(task)))

    @cached_property
    def layout(self) -> ScoreMatrix:
        """The names of rows and columns, without values."""
        stages, unseen = self.plan.stages, self.inputs.suite.unseen
        return ScoreMatrix(
            values=np.full((len(stages), len(self.tasks)), np.nan),
            stages=tuple(stage.name for stage in stages),
            tasks=tuple(self.tasks),
            trained=tuple(stage.tasks for stage in stages),
            num_unseen=sum(task in unseen for task in self.tasks),
            open_ended=frozenset(task for task in self.tasks if self._scorer(task).OPEN_ENDED),
        )

    def _scorer(self, task: str) -> Any:
        return plugins.load(plugins.SCORERS, self.inputs.task(task).scorer)

    def highest(self, task: str) -> float:
        """Return the highest score that the task's scorer can give."""
        return float(self._scorer(task).HIGHEST)
