"""Answers of other tools joined to a task's samples, by id: every fault is named, nothing is guessed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvit_bench.errors import CvitBenchError
from cvit_bench.interop.answers import Answer
from cvit_bench.records.sample import Sample
from cvit_bench.text import one_space

_SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """The samples of a task that answers are joined to; `any_question` lets prompts differ from them."""

    task: str
    samples: Sequence[Sample]
    any_question: bool = False

    def index(self) -> dict[str, Sample]:
        """Return the samples by id."""
        return {sample.id: sample for sample in self.samples}


def join(place: Path, answers: Iterable[Answer], wanted: Wanted) -> list[tuple[Sample, Answer]]:
    """Return every sample with its answer, in sample order.

    Raises CvitBenchError naming what is unknown, doubled, asked otherwise, or missing.
    """
    known, found, problems = wanted.index(), dict[str, Answer](), list[str]()
    for answer in answers:
        sample, problem = _sample(answer, known, wanted)
        if sample is not None and problem is None:
            problem = _conflict(answer, sample, found, wanted)
        if problem is not None:
            problems.append(problem)
        elif sample is not None:
            found[sample.id] = answer
    missing = [sample.id for sample in wanted.samples if sample.id not in found]
    if missing and not problems:
        problems.append(
            f"{place}: {len(missing)} of {len(wanted.samples)} answers of task {wanted.task!r} are missing: "
            f"{_few(missing)}"
        )
    if problems:
        raise CvitBenchError("\n".join(_first(problems)))
    return [(sample, found[sample.id]) for sample in wanted.samples]


def _sample(answer: Answer, known: dict[str, Sample], wanted: Wanted) -> tuple[Sample | None, str | None]:
    for name in answer.ids:
        if name in known:
            return known[name], None
    if answer.position is not None:
        return _at_position(answer, wanted)
    shown = " or ".join(repr(name) for name in answer.ids) or "without an id"
    return None, f"{answer.place}: {shown} is none of the {len(known)} samples of task {wanted.task!r}"


def _at_position(answer: Answer, wanted: Wanted) -> tuple[Sample | None, str | None]:
    at = answer.position or 0
    if not 0 <= at < len(wanted.samples):
        return None, f"{answer.place}: doc_id {at}: task {wanted.task!r} has {len(wanted.samples)} samples"
    sample = wanted.samples[at]
    if not answer.target or _same(answer.target) not in {_same(text) for text in sample.answers}:
        return None, (
            f"{answer.place}: doc_id {at}: its target {answer.target!r} is no reference of sample "
            f"{sample.id!r} ({_few(sample.answers)}): the order of the data differs"
        )
    return sample, None


def _conflict(answer: Answer, sample: Sample, found: dict[str, Answer], wanted: Wanted) -> str | None:
    if sample.id in found:
        return f"{answer.place}: {sample.id!r} stands twice, first at {found[sample.id].place}"
    if wanted.any_question or answer.prompt is None:
        return None
    if _same(sample.question) not in _same(answer.prompt):
        return (
            f"{answer.place}: {sample.id!r} was asked {_short(answer.prompt)}, the suite asks "
            f"{_short(sample.question)}; --any-question takes it all the same"
        )
    return None


def _same(text: str) -> str:
    return one_space(text).casefold()


def _short(text: str) -> str:
    return repr(one_space(text)[:60])


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _first(problems: list[str]) -> list[str]:
    rest = len(problems) - _SHOWN
    return [*problems[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])]
