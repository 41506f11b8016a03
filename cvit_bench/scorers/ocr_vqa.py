"""Text read off a picture, such as a book's cover (OCR-VQA: Mishra et al., 2019).

    S = 1  the answer equals a reference; case, look-alike code points (NFKC), runs of white space, white
           space beside punctuation and one final full stop are ignored (`J. K. Rowling`, `J.K. Rowling`)
    K = 1  S = 1, or the words of a reference stand in the answer one after the other, and no competitor does
    F      the form contract of the task (`records.form`), whatever the content

Competitors are the task's classes, the sample's choices, `yes` and `no` where one of them is right, and other
numbers where a number is right. Who says that it cannot be answered knows nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from cvit_bench.answers.names import Names, by_words, find_names, implied, plain
from cvit_bench.answers.numerals import find_numbers, numeral
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "OCR-VQA accuracy"
OPEN_ENDED = False
HIGHEST = 1.0

_BESIDE_MARKS = re.compile(r"(?:(?<!\s)\s+)?([^\w\s])\s*")
_SPACE = re.compile(r"\s+")
_REFUSAL = "unanswerable"


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score read text against its references (S, K in {0, 1})."""
    classes = by_words(task.classes)
    return [_judge(task, classes, sample, text) for sample, text in items]


def _judge(task: Task, classes: Names, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = _read(text)
    if not said:
        return Score(strict=0.0, knowledge=0.0, form=form, extracted="")
    if any(said == _read(answer) for answer in sample.answers):
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=text.strip())
    right, numbers = _references(sample.answers)
    found = find_names((right, by_words((*sample.choices, *implied(right), _REFUSAL)), classes), said)
    found += sorted(set(find_numbers(said)) - numbers) if numbers else []
    knows = bool(found) and set(right.spelt.values()).issuperset(found)
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=", ".join(found) or text.strip())


@lru_cache(maxsize=1 << 16)
def _read(text: str) -> str:
    """Return what S compares."""
    close = _BESIDE_MARKS.sub(r"\1", plain(unicodedata.normalize("NFKC", text)))
    return _SPACE.sub(" ", close).strip()


@lru_cache(maxsize=1 << 14)
def _references(answers: tuple[str, ...]) -> tuple[Names, frozenset[str]]:
    """Return the references as names, and the numbers among them."""
    numbers = frozenset(number for answer in answers if (number := numeral(plain(answer))) is not None)
    return by_words(tuple(map(_read, answers))), numbers
