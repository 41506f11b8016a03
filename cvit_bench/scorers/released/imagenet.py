"""ImageNet and Places365 as SMoLoRA scores them: a substring either way, whatever the case.

Right is an answer that holds the label, and one that the label holds: the empty answer, and every letter of
the label. The script pairs answers and labels by their place in the files; here they are joined by id, which
is the same where both files have one order. Form: at most two words, or the gold answer.
"""

from collections.abc import Sequence

from cvit_bench.answers.published_form import is_short
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "Substring either way"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    said = text.upper()
    is_right = any(gold.upper() in said or said in gold.upper() for gold in sample.answers)
    return ReleasedScore(float(is_right), is_short(text, sample.answers), text)
