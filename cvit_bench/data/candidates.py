"""The allowed answers of every sample, which a model ranks by likelihood."""

from collections.abc import Callable, Iterable, Sequence

from cvit_bench.answers.names import plain
from cvit_bench.records.candidates import CandidateSource
from cvit_bench.records.files import sha256_json
from cvit_bench.records.form import AnswerForm
from cvit_bench.records.sample import Sample
from cvit_bench.records.task import Task

Candidates = tuple[tuple[str, ...], ...]
"""The allowed answers of a sample, each in all its spellings; the first is the one that was asked for."""

YES_NO: Candidates = (("yes",), ("no",))


def allowed_answers(
    task: Task, samples: Sequence[Sample], train: Callable[[], Sequence[Sample]]
) -> list[Candidates]:
    """Return the allowed answers of every sample of a task whose K is ranked.

    They are those of the task's first source that holds a right answer, else those of its last source.
    `train` reads the train split; it is called only where a source needs it.
    """
    shared = {source: _shared(task, source, train) for source in task.sources}
    return [_chosen(task, sample, shared) for sample in samples]


def holds_right(sample: Sample, candidates: Candidates) -> bool:
    """Tell whether one of the allowed answers is right; case and one final full stop are ignored."""
    right = set(map(plain, sample.answers))
    return any(plain(spelling) in right for spellings in candidates for spelling in spellings)


def candidates_sha256(candidates: Candidates) -> str:
    """Return the hash of allowed answers in their order."""
    return sha256_json(candidates)


def _shared(task: Task, source: CandidateSource, train: Callable[[], Sequence[Sample]]) -> Candidates | None:
    """Return the allowed answers that all samples of a task have; None where each has its own."""
    if source is CandidateSource.YES_NO:
        return YES_NO
    if source is CandidateSource.CLASSES:
        return _single(task.classes)
    if source is CandidateSource.TRAIN_ANSWERS:
        return _single(sorted({answer for sample in train() for answer in sample.answers}))
    if source is CandidateSource.NUMERALS and task.numerals is not None:
        return _single(map(str, range(task.numerals[0], task.numerals[1] + 1)))
    return None


def _chosen(task: Task, sample: Sample, shared: dict[CandidateSource, Candidates | None]) -> Candidates:
    found: Candidates = ()
    for listed in shared.values():
        found = _options(task, sample) if listed is None else listed
        if holds_right(sample, found):
            break
    return found


def _options(task: Task, sample: Sample) -> Candidates:
    if task.answer_form is not AnswerForm.OPTION_LETTER:
        return _single(sample.choices)
    if not sample.choices:
        return _single(task.form.letters)
    return tuple(zip(task.form.letters, sample.choices, strict=False))


def _single(names: Iterable[str]) -> Candidates:
    return tuple((name,) for name in names)
