"""Scored cells of a run as one table of fields: what the matrices and the bootstrap are made from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cvit_bench import plugins
from cvit_bench.evaluate.inputs import RunInputs
from cvit_bench.metrics.knowledge import IN_WORDS
from cvit_bench.metrics.resampling import Items
from cvit_bench.metrics.wordings import SHARES, over_wordings
from cvit_bench.records.matrix import Array, ScoreMatrix
from cvit_bench.records.plan import EvaluationPlan, PlannedCell
from cvit_bench.records.sample import Sample, Score

FIELDS: Mapping[str, Callable[[Score], float]] = {
    "strict": lambda score: score.strict,
    "lenient": lambda score: score.knowledge,
    "unsaid": lambda score: score.knowledge - score.strict,
    "form": lambda score: float(score.form),
}
RANKED = ("wrong", "ranked", "blank", "uniform")
"""What ranked knowledge is made from beside S; only cells whose rankings are there have them."""
SCALED = ("strict", "lenient", "unsaid")
"""Fields in the unit of the scorer, up to its HIGHEST; the others are shares."""
CHANGED = {"changed_lenient": "lenient", "changed_form": "form"}
"""What form changes give, apart from the paraphrases."""

Places = dict[tuple[str, str], "list[ScoredCell]"]
"""(stage, task) -> its cells."""


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


def scored_cell(
    cell: PlannedCell, samples: Sequence[Sample], scores: Sequence[Score], beside: Mapping[str, Array]
) -> ScoredCell:
    """Keep the numbers of a cell's scores, and other fields beside them."""
    fields = {
        name: np.array([value(score) for score in scores], np.float64) for name, value in FIELDS.items()
    }
    return ScoredCell(cell, samples, {**fields, **beside})


def sample_means(cells: Sequence[ScoredCell], name: str) -> Array:
    """Return the mean of each sample over its wordings, [num_samples]: what an interval may count as one."""
    samples = [one.id for cell in cells for one in cell.samples]
    _, at = np.unique(np.array(samples), return_inverse=True)
    values = np.concatenate([cell.values(name) for cell in cells])
    return (np.bincount(at, weights=values) / np.bincount(at)).astype(np.float64)


Source = tuple[list[tuple[int, ScoredCell]], Mapping[str, str]]
"""Cells with their rows, and new field -> the field of the cells that it takes."""


def few_shot_field(shots: int, from_base: bool = False) -> str:
    """Return the field of strict scores after so many samples a class, in the last row."""
    return f"base_shots_{shots}" if from_base else f"shots_{shots}"


def _filled(
    rows: Iterable[tuple[int, ScoredCell]],
    names: Mapping[str, str],
    shape: tuple[int, int],
    places: Mapping[tuple[str, str], int],
) -> dict[str, Array]:
    """Return new fields [num_stages, num_items], NaN where no cell fills them."""
    fields = {name: np.full(shape, np.nan) for name in names}
    for row, cell in rows:
        at = [places[cell.cell.variant, one.id] for one in cell.samples]
        for name, taken in names.items():
            fields[name][row, at] = cell.values(taken)
    return fields


@dataclass(frozen=True)
class Table:
    """The scored cells of a run by place, with what rows and columns mean.

    Attributes:
        inputs: the run.
        plan: what was asked.
        cells: paraphrases.
        changes: form changes; they answer to another form and have fields of their own.
        references: role -> task -> the cells of a run to measure against.
    """

    inputs: RunInputs
    plan: EvaluationPlan
    cells: Places
    changes: Places = field(default_factory=dict)
    references: Mapping[str, Mapping[str, list[ScoredCell]]] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """Tasks that were answered somewhere, in suite order."""
        answered = {task for _, task in self.cells}
        return [task for task in self.inputs.suite.tasks if task in answered]

    @cached_property
    def items(self) -> dict[str, Items]:
        """The fields of every task that a stage of the sequence answered, item by item."""
        found = {task: self._items(task) for task in self.tasks}
        return {task: items for task, items in found.items() if not np.isnan(items.fields["strict"]).all()}

    def wordings(self, task: str) -> dict[str, bool]:
        """Return the paraphrases that a task was asked in, and whether each is of the train split."""
        asked = {cell.variant for cell in self.plan.cells if cell.task == task}
        every = self.inputs.template(task).paraphrases
        return {one.id: one.split == "train" for one in every if one.id in asked}

    def _items(self, task: str) -> Items:
        """Place every answer by its variant and sample, so that columns are the same items at all stages."""
        sources, samples = self._sources(task), self.asked(task)
        place = {key: at for at, key in enumerate(samples)}
        shape = (len(self.plan.stages), len(place))
        fields: dict[str, Array] = {}
        for rows, names in sources:
            fields |= _filled(rows, names, shape, place)
        top = self.highest(task)
        scaled = {new: top for _, names in sources for new, name in names.items() if name in SCALED}
        if task in self.layout.open_ended:
            scaled["unsaid"] = 0.0  # wording is the content: K is S
        worded = over_wordings(fields["strict"], place, self.wordings(task), top)
        scaled |= {name: top for name in worded if name not in SHARES} | {"wording_noise": 0.0}
        pictures = [one.picture.name if one.picture else one.id for one in samples.values()]
        clusters = np.unique(np.array(pictures), return_inverse=True)[1]
        variants = np.unique(np.array([variant for variant, _ in samples]), return_inverse=True)[1]
        return Items({**fields, **worded}, clusters, scaled, variants, tuple(worded))

    def asked(self, task: str) -> dict[tuple[str, str], Sample]:
        """Return the items of a task in their order: (variant, sample id) -> sample."""
        cells = [cell for rows, _ in self._sources(task) for _, cell in rows]
        return {(cell.cell.variant, one.id): one for cell in cells for one in cell.samples}

    def _sources(self, task: str) -> list[Source]:
        """Return what a task's fields are made from: its cells, form changes, other runs, few shots."""
        last = len(self.plan.stages) - 1
        beside = {role: cells.get(task, []) for role, cells in self.references.items()} | {
            few_shot_field(stage.shots, stage.from_base): self.cells.get((stage.name, task), [])
            for stage in self.plan.few_shot
            if stage.task == task
        }
        ranked = (name for name in (*RANKED, *IN_WORDS) if self.is_ranked(task) and self._has(task, name))
        names = (*FIELDS, *ranked)
        found: list[Source] = [(self._rows(self.cells, task), {name: name for name in names})]
        if task in self.layout.form_changes:
            found.append((self._rows(self.changes, task), CHANGED))
        for name, cells in beside.items():
            if cells:
                found.append(([(last, cell) for cell in cells], {name: "strict"}))
        return found

    def _rows(self, cells: Places, task: str) -> list[tuple[int, ScoredCell]]:
        """Return the cells of a task at the stages of the sequence, each with its row."""
        stages = enumerate(self.plan.stages)
        return [(at, cell) for at, stage in stages for cell in cells.get((stage.name, task), [])]

    def is_ranked(self, task: str) -> bool:
        """Tell whether K of a task is ranked: one missing ranking makes it lenient at all stages alike."""
        return all(self._has(task, name) for name in RANKED)

    def _has(self, task: str, name: str) -> bool:
        """Tell whether all cells of a task have a field."""
        return name in self._fields_of.get(task, ())

    @cached_property
    def _fields_of(self) -> dict[str, set[str]]:
        """The fields that all cells of a task have."""
        found: dict[str, set[str]] = {}
        for (_, task), cells in self.cells.items():
            for cell in cells:
                found[task] = found.get(task, set(cell.fields)) & set(cell.fields)
        return found

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
            form_changes=frozenset(task for _, task in self.changes),
        )

    def _scorer(self, task: str) -> Any:
        return plugins.load(plugins.SCORERS, self.inputs.task(task).scorer)

    def highest(self, task: str) -> float:
        """Return the highest score that the task's scorer can give."""
        return float(self._scorer(task).HIGHEST)
