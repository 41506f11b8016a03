"""The shape an answer must have: a declarative contract, checked without looking at correctness (F)."""

import re
from enum import Enum

from pydantic import Field, model_validator
from typing_extensions import Self

from cvit_bench.records.base import Record
from cvit_bench.text import bare, one_space, words


class AnswerForm(str, Enum):
    """What an answer looks like."""

    OPTION_LETTER = "option_letter"
    SHORT_ANSWER = "short_answer"
    CLASS_NAME = "class_name"
    YES_NO = "yes_no"
    NUMBER = "number"
    SENTENCE = "sentence"
    BOX = "box"


_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_COORDINATE = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)"
_BOX = re.compile(rf"\[\s*{_COORDINATE}(?:\s*,\s*{_COORDINATE}){{3}}\s*\]")


class WordLimits(Record):
    """Limits on any answer; what is not named is not limited."""

    min_words: int | None = Field(default=None, ge=1)
    max_words: int | None = Field(default=None, ge=1)
    ends_with: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_words and self.max_words and self.min_words > self.max_words:
            raise ValueError(f"min_words {self.min_words} is larger than max_words {self.max_words}")
        return self


class FormLimits(WordLimits):
    """Limits a task puts on its answer form."""

    letters: str = Field(default="ABCDE", pattern=r"^[A-Z]+$")


def form_kept(form: AnswerForm, limits: FormLimits, answer: str) -> bool:
    """Tell whether an answer has the shape asked for; the empty answer never has.

    Case and one final full stop are no breach, as in the strict score: what scores S = 1 keeps its form.
    """
    text = one_space(answer)
    return bool(text) and shaped(form, limits.letters, text) and limited(limits, text)


def limited(limits: WordLimits, text: str) -> bool:
    """Tell whether an answer stays inside the limits."""
    count = len(words(text))
    return (
        count >= (limits.min_words or 1)
        and (limits.max_words is None or count <= limits.max_words)
        and (limits.ends_with is None or text.endswith(limits.ends_with))
    )


def shaped(form: AnswerForm, letters: str, text: str) -> bool:
    """Tell whether an answer without outer white space has the shape of a form; `letters`: those on offer."""
    if form is AnswerForm.OPTION_LETTER:
        letter = text.removesuffix(".")
        return len(letter) == 1 and letter.upper() in letters
    if form is AnswerForm.YES_NO:
        return bare(text) in ("yes", "no")
    if form is AnswerForm.NUMBER:
        return _NUMBER.fullmatch(text.removesuffix(".")) is not None
    if form is AnswerForm.BOX:
        return _BOX.fullmatch(text) is not None
    return True
