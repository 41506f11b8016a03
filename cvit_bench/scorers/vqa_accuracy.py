"""Soft VQA accuracy over several annotators' answers, ten as a rule (Antol et al., 2015).

    accuracy(a)   mean over the annotators of min(1, matches of a among the others / 3)
    S             accuracy of the answer, normalised as the challenge does (`answers.vqa_words`)
    K             S, or the smallest accuracy of the annotators' answers that stand in the output as whole
                  words; 0 for those if a competitor does, too
    F             the form contract of the task (`records.form`), whatever the content

Competitors are the task's classes, the sample's choices, `yes` and `no` where an annotator gave one of them,
and numbers that nobody gave where somebody gave a number.

Answer and references are normalised alike. The public evaluation normalises references by punctuation only
(a lone `none` never matches), and only where two of them differ; here an answer that is nothing but articles
stays as it is, so that `A` can be right, and nothing matches an empty one.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cvit_bench.answers.names import Names, by_words, find_names, implied, plain
from cvit_bench.answers.numerals import find_numbers, numeral
from cvit_bench.answers.vqa_words import soft_accuracies, vqa_words
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "VQA accuracy"
OPEN_ENDED = False
HIGHEST = 1.0


class _References(NamedTuple):
    """Accuracy of every distinct reference, these as names, and the numbers among them."""

    accuracy: dict[str, float]
    names: Names
    numbers: frozenset[str]


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score short answers against the annotators' answers (S, K in [0, 1])."""
    classes = by_words(task.classes)
    return [_judge(task, classes, sample, text) for sample, text in items]


def _judge(task: Task, classes: Names, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = _normal(text)
    if not said:
        return Score(strict=0.0, knowledge=0.0, form=form, extracted="")
    right = _references(sample.answers)
    if said in right.accuracy:
        return Score(right.accuracy[said], right.accuracy[said], form, said)
    found = find_names((right.names, by_words((*sample.choices, *implied(right.names))), classes), said)
    found += sorted(set(find_numbers(said)) - right.numbers) if right.numbers else []
    knows = min((right.accuracy.get(name, 0.0) for name in found), default=0.0)
    return Score(strict=0.0, knowledge=knows, form=form, extracted=", ".join(found) or said)


def _normal(text: str) -> str:
    return vqa_words(text) or plain(text)


@lru_cache(maxsize=1 << 14)
def _references(answers: tuple[str, ...]) -> _References:
    accuracy = soft_accuracies([_normal(answer) for answer in answers])
    numbers = frozenset(number for name in accuracy if (number := numeral(name)) is not None)
    return _References(accuracy, by_words(tuple(accuracy)), numbers)
