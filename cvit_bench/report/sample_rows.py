"""Samples for the report: what was answered at every stage, side by side, and when it was forgotten.

Read from the scores of a run (`scores/<stage>/<task>.parquet`, `scores/flips.parquet`) and the samples they
belong to. A task without right and wrong (captions) has no line in the flips.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.plan import flips_path, scores_path
from cvit_bench.records.results import Cell, Results
from cvit_bench.records.sample import RIGHT, Picture, Prompt, Sample

SHOWN = 600
_COLUMNS = ("id", "strict", "knowledge", "form", "text")
_FLIPS = ("task", "variant", "id", "lost_at", "still_known")


class Source(Protocol):
    """Where samples and their wordings come from."""

    def samples(self, task: str) -> Sequence[Sample]:
        """Return the samples of a task."""

    def prompts(self, task: str, variant: str) -> Sequence[Prompt]:
        """Return the prompts of the samples that are asked in one wording."""


@dataclass(frozen=True)
class Answer:
    """What was said at one stage; `cut` characters of the text are not shown.

    `strict` is S in percent; `right` tells whether the content is right, whatever its form.
    """

    text: str
    cut: int
    strict: float
    right: bool
    form: bool

    @property
    def outcome(self) -> str:
        """One of `right`, `right-broken`, `wrong`, `wrong-broken`: content, and where it fails the form."""
        return f"{'right' if self.right else 'wrong'}{'' if self.form else '-broken'}"


@dataclass(frozen=True)
class Loss:
    """The stage that lost a sample for good, and whether its right answer was still known there."""

    stage: int
    known: bool


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
    lost: Loss | None

    @property
    def last(self) -> str:
        """The outcome at the last stage."""
        return self.answers[-1].outcome if self.answers and self.answers[-1] else "unrun"


@dataclass(frozen=True)
class TaskRows:
    """All samples of a task in one wording, in sample order; `judged` where answers are right or wrong."""

    name: str
    title: str
    variant: str
    trained_at: int | None
    judged: bool
    rows: tuple[Row, ...]


Losses = Mapping[tuple[str, str], Mapping[str, Loss | None]]
"""What became of each sample of a task in a wording: lost at a stage, or None."""


def task_rows(run_dir: Path, results: Results, task: str, source: Source, losses: Losses) -> TaskRows | None:
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
    lost = losses.get((task, variant))
    rows = tuple(
        _row(samples[prompt.sample_id], prompt.text, stages, lost or {})
        for prompt in source.prompts(task, variant)
    )
    if not any(answer for row in rows for answer in row.answers):
        raise CvitBenchError(
            f"{run_dir}: scores: {task}: no sample at hand was asked; `cvit-bench score` makes them again"
        )
    return TaskRows(task, info.title, variant, trained, lost is not None, rows)


def read_losses(run_dir: Path, results: Results) -> Losses:
    """Read what became of every sample of a run, all tasks and wordings at once."""
    numbers = {stage.name: at for at, stage in enumerate(results.stages)}
    found: dict[tuple[str, str], dict[str, Loss | None]] = {}
    for task, variant, name, stage, known in _table(flips_path(run_dir), _FLIPS):
        lost = Loss(numbers[stage], known) if stage in numbers else None
        found.setdefault((task, variant), {})[name] = lost
    return found


def _row(sample: Sample, question: str, stages: Sequence[Answers], lost: Mapping[str, Loss | None]) -> Row:
    said = tuple(answers.get(sample.id) for answers in stages)
    return Row(sample.id, question, sample.answers, sample.picture, said, lost.get(sample.id))


def _is_of(cell: Cell, task: str) -> bool:
    return cell.task == task and not cell.form_change


def _read(path: Path, variant: str) -> Answers:
    if not path.is_file():
        return {}
    return {
        name: Answer(text[:SHOWN], max(0, len(text) - SHOWN), 100 * strict, knowledge >= RIGHT, form)
        for name, strict, knowledge, form, text in _table(path, _COLUMNS, variant)
    }


def _table(path: Path, columns: Sequence[str], variant: str | None = None) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a table, all or those of one wording; its checksums are verified."""
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    chosen = None if variant is None else [("variant", "==", variant)]
    try:
        table = pq.read_table(
            path, columns=list(columns), filters=chosen, page_checksum_verification=True
        ).to_pydict()
    except (OSError, ValueError, KeyError, ArrowException) as error:
        raise CvitBenchError(
            f"{path}: no table of scores ({error}); `cvit-bench score` makes it again"
        ) from error
    return zip(*(table[name] for name in columns), strict=True)
