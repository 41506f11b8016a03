"""Exact match: class names and short answers.

    S = 1  the answer equals a reference; case, outer white space and one final full stop are ignored
    K = 1  S = 1, or a reference stands in the answer as whole words and no competitor does
    F      the form contract of the task (`records.form`), whatever the content

Competitors are the task's classes, the sample's choices, `yes` and `no` where one of them is right, and every
other number where the form is a number. A name inside a longer name does not count (`cat` in `wild cat`).
S asks for the reference as it is spelt; the scorer `number` compares values (`3.0` and `3`).
"""

from collections.abc import Sequence

from cvit_bench.answers.names import Names, by_words, find_names, implied, plain
from cvit_bench.answers.numerals import find_numbers
from cvit_bench.records.form import AnswerForm, form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "Exact match"
OPEN_ENDED = False
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score answers against their references by equality (S, K in {0, 1})."""
    classes = by_words(task.classes)
    return [_judge(task, classes, sample, text) for sample, text in items]


def _judge(task: Task, classes: Names, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = plain(text)
    if not said:
        return Score(strict=0.0, knowledge=0.0, form=form, extracted="")
    if any(said == plain(answer) for answer in sample.answers):
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=text.strip())
    is_number = task.answer_form is AnswerForm.NUMBER
    found, right = _compare_numbers(sample, text) if is_number else _compare_names(classes, sample, text)
    knows = bool(found) and right.issuperset(found)
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=", ".join(found) or text.strip())


def _compare_names(classes: Names, sample: Sample, text: str) -> tuple[Sequence[str], set[str]]:
    """Return the names found in a text, and those that are right."""
    right = by_words(sample.answers)
    competitors = by_words((*sample.choices, *implied(right)))
    return find_names((right, competitors, classes), text), set(right.spelt.values())


def _compare_numbers(sample: Sample, text: str) -> tuple[Sequence[str], set[str]]:
    """Return the numbers found in a text, and those that are right."""
    return find_numbers(text), {number for answer in sample.answers for number in find_numbers(answer)}
