"""ScienceQA as LLaVA, CoIN and SMoLoRA score it: a letter, read loosely.

An answer that is one of A to E is that letter; else a leading one before a full stop and a blank; else the
first word of one character, whatever it is, in upper case. So `a dog` is the answer A. It has to be a letter
of the choices at hand. Form: one letter and nothing else.
"""

import re
from collections.abc import Sequence

from cvit_bench.answers.published_form import is_one_letter
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "ScienceQA, loose letter"
HIGHEST = 1.0

_OPTIONS = "ABCDE"
_ALONE = re.compile(r"\b(\w)\b")


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    letter = _letter(text)
    is_offered = letter in tuple(_OPTIONS[: len(sample.choices) or len(_OPTIONS)])
    right = {_gold(sample, answer) for answer in sample.answers}
    return ReleasedScore(float(is_offered and letter in right), is_one_letter(text), letter)


def _letter(text: str) -> str:
    if text in tuple(_OPTIONS):
        return text
    if len(text) >= 3 and text[0] in _OPTIONS and text[1:3] == ". ":
        return text[0]
    alone = _ALONE.search(text)
    return alone[1].upper() if alone else ""


def _gold(sample: Sample, answer: str) -> str:
    """Return the letter of a reference, a letter or the text of an option; "" beyond the five it knows."""
    if answer in sample.choices:
        at = sample.choices.index(answer)
        return _OPTIONS[at : at + 1]
    return answer.strip().upper()
