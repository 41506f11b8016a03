"""Yes or no.

S = 1  the answer is the right one of `yes` and `no`; case, outer white space and one final full stop are
       ignored
K = 1  S = 1, or the right one stands in the answer as a word and the other does not
F      the form contract of the task (`records.form`), whatever the content
"""

from collections.abc import Sequence

from cvit_bench.answers.names import YES_NO, by_words, find_names, plain
from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "Yes or no"
OPEN_ENDED = False
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score answers to yes-or-no questions (S, K in {0, 1})."""
    return [_judge(task, sample, text) for sample, text in items]


def _judge(task: Task, sample: Sample, text: str) -> Score:
    form = form_kept(task.answer_form, task.form, text)
    right = {plain(answer) for answer in sample.answers}.intersection(YES_NO)
    said = plain(text)
    if said in right:
        return Score(strict=1.0, knowledge=1.0, form=form, extracted=said)
    found = find_names((by_words(YES_NO),), text)
    knows = bool(found) and right.issuperset(found)
    return Score(strict=0.0, knowledge=float(knows), form=form, extracted=", ".join(found) or text.strip())
