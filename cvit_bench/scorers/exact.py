"""Exact match: class names, short answers, yes/no and numbers.

    S = 1  the answer equals a reference; case, outer white space and one final full stop are ignored
    K = 1  S = 1, or a reference stands in the answer as whole words and no competitor does
    F      the form contract of the task (`records.form`), whatever the content

Competitors are the task's classes, the sample's choices, `yes` and `no` where one of them is right, and every
other number where the form is a number. A name inside a longer name does not count (`cat` in `wild cat`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cvit_bench.records.form import AnswerForm, form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task
from cvit_bench.text import NUMBER_WORDS

TITLE = "Exact match"
OPEN_ENDED = False
HIGHEST = 1.0

_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
_NUMBER = re.compile(r"[-+]?(?<![\w.])\d+(?:[.,]\d+)*(?![^\W_])")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_YES_NO = ("yes", "no")


class _Names(NamedTuple):
    """Names by their words (lower-cased, joined by blanks), and how many words the longest has."""

    spelt: dict[str, str]
    longest: int


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score answers against their references by equality (S, K in {0, 1})."""
    classes = _by_words(task.classes)
    return [_judge(task, classes, sample, text) for sample, text in items]


def _judge(task: Task, classes: _Names, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = _plain(text)
    if not said:
        return Score(strict=0.0, knowledge=0.0, form=form, extracted="")
    if any(said == _plain(answer) for answer in sample.answers):
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=text.strip())
    is_number = task.answer_form is AnswerForm.NUMBER
    found, right = _compare_numbers(sample, text) if is_number else _compare_names(classes, sample, text)
    knows = bool(found) and right.issuperset(found)
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=", ".join(found) or text.strip())


def _plain(text: str) -> str:
    """Drop what S ignores: case, outer white space, one final full stop."""
    return text.strip().casefold().removesuffix(".").rstrip()


def _compare_names(classes: _Names, sample: Sample, text: str) -> tuple[list[str], set[str]]:
    """Return the names found in a text, and those that are right."""
    right = _by_words(sample.answers)
    implied = () if right.spelt.keys().isdisjoint(_YES_NO) else _YES_NO
    choices = _by_words((*sample.choices, *implied))
    return _find((right, choices, classes), text), set(right.spelt.values())


@lru_cache(maxsize=1 << 14)
def _by_words(names: tuple[str, ...]) -> _Names:
    spelt = {" ".join(_WORD.findall(name.casefold())): name for name in names}
    return _Names(spelt, max((words.count(" ") + 1 for words in spelt), default=0))


def _find(vocabularies: Sequence[_Names], text: str) -> list[str]:
    """Find names as whole words from left to right, at each place the longest one."""
    words, found, at = _WORD.findall(text.casefold()), [], 0
    longest = max(names.longest for names in vocabularies)
    while at < len(words):
        size = min(longest, len(words) - at)
        while size and (name := _name(vocabularies, " ".join(words[at : at + size]))) is None:
            size -= 1
        if size and name is not None:
            found.append(name)
        at += max(size, 1)
    return found


def _name(vocabularies: Sequence[_Names], words: str) -> str | None:
    for names in vocabularies:
        if words in names.spelt:
            return names.spelt[words]
    return None


def _compare_numbers(sample: Sample, text: str) -> tuple[list[str], set[str]]:
    """Return the numbers found in a text, and those that are right."""
    return _numbers(text), {number for answer in sample.answers for number in _numbers(answer)}


def _numbers(text: str) -> list[str]:
    """Find numbers in one spelling; number words up to one hundred count where no digit stands."""
    digits = _NUMBER.findall(text)
    if digits:
        return [_canonical(number) for number in digits]
    return [NUMBER_WORDS[name] for name in _find((_by_words(tuple(NUMBER_WORDS)),), text)]


def _canonical(number: str) -> str:
    """Give `3`, `+3.0` and `3,0` one spelling, and `1,000` and `1000` another."""
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number.replace(",", ".")
    whole, _, part = plain.lstrip("+-").partition(".")
    sign = "-" if plain.startswith("-") else ""
    return f"{sign}{whole.lstrip('0') or '0'}.{part.rstrip('0')}".rstrip(".")
