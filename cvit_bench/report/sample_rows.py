"""Samples for the report: what was answered at every stage, side by side, and when it was forgotten.

Read from the scores of a run (`scores/<stage>/<task>.parquet`) and the samples they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.plan import scores_path
from cvit_bench.records.results import Results
from cvit_bench.records.sample import Picture, Prompt, Sample

RIGHT = 0.5
SHOWN = 600
_COLUMNS = ("id", "variant", "strict", "form", "text")


class Source(Protocol):
    """Where samples and their wordings come from."""

    def samples(self, task: str) -> Sequence[Sample]:
        """Return the samples of a task."""

    def prompts(self, task: str, variant: str) -> Sequence[Prompt]:
        """Return the prompts of the samples that are asked in one wording."""


@dataclass(frozen=True)
class Answer:
    """What was said at one stage. `strict` is S in percent; `cut` characters of the text are not shown."""

    text: str
    cut: int
    strict: float
    form: bool

    @property
    def right(self) -> bool:
        """Whether it counts as right: S of a half or more of a full point."""
        return self.strict >= 100 * RIGHT

    @property
    def outcome(self) -> str:
        """One of `right`, `right-broken`, `wrong`, `wrong-broken`: the last two letters tell of the form."""
        return f"{'right' if self.right else 'wrong'}{'' if self.form else '-broken'}"


Answers = Mapping[str, Answer]
"""What was said at one stage by sample id."""


@dataclass(frozen=True)
class Row:
    """One sample along the stages; an answer is None where the stage was not asked."""

    id: str
    question: str
    references: tuple[str, ...]
    picture: Picture | None
    answers: tuple[Answer | None, ...]
    lost: int | None

    @property
    def last(self) -> str:
        """The outcome at the last stage."""
        return self.answers[-1].outcome if self.answers and self.answers[-1] else "unrun"


@dataclass(frozen=True)
class TaskRows:
    """All samples of a task in one wording, in sample order."""

    name: str
    title: str
    variant: str
    trained_at: int | None
    rows: tuple[Row, ...]


def task_rows(run_dir: Path, results: Results, task: str, source: Source) -> TaskRows | None:
    """Lay out a task; None where no stage was asked.

    Raises CvitBenchError where the scores do not belong to the samples at hand.
    """
    variant = next((cell.variant for cell in results.cells if _is_of(cell, task)), None)
    if variant is None:
        return None
    info = next(info for info in results.tasks if info.name == task)
    stages = [_read(scores_path(run_dir, stage.name, task), variant) for stage in results.stages]
    trained = next((at for at, stage in enumerate(results.stages) if task in stage.tasks), None)
    samples = {sample.id: sample for sample in source.samples(task)}
    rows = tuple(
        _row(samples[prompt.sample_id], prompt.text, stages, trained or 0)
        for prompt in source.prompts(task, variant)
    )
    if not any(answer for row in rows for answer in row.answers):
        raise CvitBenchError(
            f"{run_dir}: scores: {task}: no sample at hand was asked; `cvit-bench score` makes them again"
        )
    return TaskRows(task, info.title, variant, trained, rows)


def lost_at(right: Sequence[bool | None], own: int) -> int | None:
    """Return the stage from which on a sample is wrong that was right before, at its own stage or later.

    `right` has a verdict a stage, None where it was not asked; `own` is the stage that trained its task.
    Samples that are right at the last stage, or never were, are not lost.
    """
    asked = [at for at, verdict in enumerate(right) if at >= own and verdict is not None]
    hits = [at for at in asked if right[at]]
    return next((at for at in asked if hits and at > hits[-1]), None)


def _row(sample: Sample, question: str, stages: Sequence[Answers], own: int) -> Row:
    said = tuple(answers.get(sample.id) for answers in stages)
    lost = lost_at([None if answer is None else answer.right for answer in said], own)
    return Row(sample.id, question, sample.answers, sample.picture, said, lost)


def _is_of(cell: Any, task: str) -> bool:
    return bool(cell.task == task and not cell.form_change)


def _read(path: Path, variant: str) -> Answers:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    if not path.is_file():
        return {}
    try:
        table = pq.read_table(path, columns=list(_COLUMNS), page_checksum_verification=True).to_pydict()
    except (OSError, ValueError, KeyError, ArrowException) as error:
        raise CvitBenchError(
            f"{path}: no table of scores ({error}); `cvit-bench score` makes it again"
        ) from error
    columns = (table[name] for name in _COLUMNS)
    return {
        name: Answer(text[:SHOWN], max(0, len(text) - SHOWN), 100 * strict, form)
        for name, of, strict, form, text in zip(*columns, strict=True)
        if of == variant
    }
