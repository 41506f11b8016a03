"""Cells of other tools put in their places: stages and tasks of a suite, and what is known about the run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from cvit_bench.data.library import Library, open_suite
from cvit_bench.data.prompts import build_prompts
from cvit_bench.data.samples import load_samples
from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import FoundCell
from cvit_bench.interop.labels import BASE, JOINT, Labels
from cvit_bench.records.manifest import TaskIdentity
from cvit_bench.records.plan import BASE_STAGE
from cvit_bench.records.sample import Sample
from cvit_bench.records.suite import Suite
from cvit_bench.text import unknown_name

Learned = Literal["sequential", "multitask"]


@dataclass(frozen=True)
class About:
    """What the files do not say about the run.

    Attributes:
        method: name of the method; `title` is what tables show.
        order: train tasks in the order learned; empty for the suite's.
        learned: one task after another, or all at once (then `joint` is the stage).
        any_question: take prompts that do not hold the suite's question.
    """

    method: str = "imported"
    title: str | None = None
    seed: int | None = None
    base: str = "unknown"
    task_identity: TaskIdentity = "unknown"
    order: tuple[str, ...] = ()
    learned: Learned = "sequential"
    task_names: dict[str, str] = field(default_factory=dict)
    stage_names: dict[str, str] = field(default_factory=dict)
    any_question: bool = False


@dataclass(frozen=True)
class Placed:
    """A found cell with its stage's name in the run directory and its task in the suite."""

    stage: str
    task: str
    found: FoundCell


@dataclass
class Importing:
    """An import under way: the suite, the stages of the run, and the cells by place."""

    format: str
    source: Path
    about: About
    library: Library
    suite: Suite
    spec: str
    cells: list[Placed]
    skipped: list[str]
    data_root: Path | None = None
    _samples: dict[str, list[Sample]] = field(default_factory=dict)
    _wordings: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, ...]:
        """Train tasks in the order learned."""
        return self.about.order or self.suite.train

    @cached_property
    def stages(self) -> dict[str, tuple[str, ...]]:
        """Stages of the sequence with the tasks that each learned, the base first."""
        if self.about.learned == "multitask":
            return {BASE_STAGE: (), f"01-{JOINT}": self.suite.train}
        return {BASE_STAGE: (), **{name: (task,) for task, name in _names(self.order).items()}}

    @property
    def beside(self) -> list[Placed]:
        """The cells of few-shot stages beside the sequence."""
        return [cell for cell in self.cells if cell.stage not in self.stages]

    @property
    def has_answers(self) -> bool:
        """Tell whether there are answers, and not only scores."""
        return any(cell.found.read is not None for cell in self.cells)

    def samples(self, task: str) -> list[Sample]:
        """Return a task's test samples."""
        if task not in self._samples:
            self._samples[task] = load_samples(self.library.task(task), "test", self.data_root)
        return self._samples[task]

    def first_variant(self, task: str) -> str:
        """Return the name of the suite's own wording of a task."""
        return self.library.template(self.library.task(task).template).variants[0].id

    def wordings(self, task: str) -> dict[str, str]:
        """Return what the suite itself asks of each sample, in its first wording."""
        if task not in self._wordings:
            found = self.library.task(task)
            template = self.library.template(found.template)
            prompts = build_prompts(found, template, template.variants[0], self.samples(task))
            self._wordings[task] = {prompt.sample_id: prompt.text for prompt in prompts}
        return self._wordings[task]


def placed(
    format_: str, path: Path, spec: str, about: About, found: Sequence[FoundCell], data_root: Path | None
) -> Importing:
    """Open the suite and give every found cell its stage and task; say which were passed over."""
    library, suite = open_suite(spec)
    for name in about.order:
        if name not in suite.train:
            raise CvitBenchError(f"--order: {unknown_name('train task', name, suite.train)}")
    if about.order and sorted(about.order) != sorted(suite.train):
        raise CvitBenchError(f"--order: names {len(about.order)} of {len(suite.train)} train tasks")
    tasks = {name: library.task(name) for name in suite.tasks}
    work = Importing(format_, path, about, library, suite, spec, [], [], data_root)
    labels = Labels(suite, tasks, work.order, about.task_names, about.stage_names)
    places: dict[tuple[str, str], FoundCell] = {}
    has_answers = any(cell.read is not None for cell in found)
    for cell in found:
        task = labels.task(cell.task, cell.place)
        stage = _stage(work, labels.stage(cell.stage, task, cell.place), cell, task)
        if stage is None:
            work.skipped.append(f"{cell.place}: skipped, it belongs to another schedule (--schedule)")
        elif has_answers and cell.read is None:
            work.skipped.append(f"{cell.place}: skipped, a score without answers")
        elif (stage, task) in places:
            raise CvitBenchError(
                f"{cell.place}: stage {stage}, task {task}: so is {places[stage, task].place}"
            )
        else:
            places[stage, task] = cell
            work.cells.append(Placed(stage, task, cell))
    if not work.cells:
        raise CvitBenchError(f"{path}: holds no cell of a {about.learned} run")
    return work


def _stage(work: Importing, label: str, cell: FoundCell, task: str) -> str | None:
    """Return the name of a cell's stage, None where it belongs to another schedule."""
    joint = work.about.learned == "multitask"
    if cell.shots is not None and cell.shots in work.suite.few_shot.get(task, ()):
        return None if joint else f"{len(work.order) + 1:02d}-{task}-{cell.shots}shot"
    if label == BASE:
        return BASE_STAGE
    if (label == JOINT) != joint:
        return None
    return f"01-{JOINT}" if joint else _names(work.order)[label]


def _names(order: Sequence[str]) -> dict[str, str]:
    return {task: f"{at:02d}-{task}" for at, task in enumerate(order, start=1)}
