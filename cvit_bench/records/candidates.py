"""Where the allowed answers of a task come from, so that a model can rank them."""

from enum import Enum

from cvit_bench.records.form import AnswerForm


class CandidateSource(str, Enum):
    """One place that allowed answers come from.

    options: the options of the sample; under `option_letter` each by its letter and by its text, two
        spellings of one answer (by its letter alone where the sample lists none).
    yes_no: yes and no. numerals: all whole numbers of the task's `numerals`. classes: the task's `classes`.
    train_answers: every answer of the task's train split.
    """

    OPTIONS = "options"
    YES_NO = "yes_no"
    NUMERALS = "numerals"
    CLASSES = "classes"
    TRAIN_ANSWERS = "train_answers"


OPEN_FORMS = frozenset({AnswerForm.SENTENCE, AnswerForm.BOX})
"""Forms whose answers cannot be listed."""


def default_sources(form: AnswerForm, has_classes: bool, has_numerals: bool) -> tuple[CandidateSource, ...]:
    """Return the sources of a task that names none; empty where its answer set is open."""
    if form is AnswerForm.OPTION_LETTER:
        return (CandidateSource.OPTIONS,)
    if form is AnswerForm.YES_NO:
        return (CandidateSource.YES_NO,)
    if form in OPEN_FORMS:
        return ()
    if has_numerals and form is AnswerForm.NUMBER:
        return (CandidateSource.NUMERALS,)
    return (CandidateSource.YES_NO, CandidateSource.CLASSES) if has_classes else ()
