"""A number, compared by its value.

S = 1  the whole answer is one numeral in digits and has the value of a reference (`3`, `3.0`, `+3`, `1,000`
       and `1000`), or it equals a reference as it stands (`1.2.3`); outer white space and one final full
       stop are ignored
K = 1  S = 1, or the answer names numbers and every one is right; number words up to one hundred count
       where no digit stands
F      the form contract of the task (`records.form`), whatever the content
"""

from collections.abc import Sequence
from functools import lru_cache

from cvit_bench.answers.names import plain
from cvit_bench.answers.numerals import find_numbers, numeral
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "Number"
OPEN_ENDED = False
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score numbers against their references by value (S, K in {0, 1})."""
    return [_judge(task, sample, text) for sample, text in items]


def _judge(task: Task, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    said = plain(text)
    as_written, values = _right(sample.answers)
    if said and (said in as_written or numeral(said) in values):
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=text.strip())
    found = find_numbers(text)
    knows = bool(found) and values.issuperset(found)
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=", ".join(found) or text.strip())


@lru_cache(maxsize=1 << 14)
def _right(answers: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the references as they are written, and the numbers in them in one spelling."""
    values = (number for answer in answers for number in find_numbers(answer))
    return frozenset(map(plain, answers)), frozenset(values)
