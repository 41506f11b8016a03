"""ImageNet as CoIN scores it: a substring either way, in the case that it is written.

Right is an answer that holds the label, and one that the label holds: the empty answer, and every letter of
the label. The script pairs answers and labels by their place in the files; here they are joined by id, which
is the same where both files have one order. CoIN has no rule for the form.
"""

from collections.abc import Sequence

from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "Substring either way, with case"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    is_right = any(gold in text or text in gold for gold in sample.answers)
    return ReleasedScore(float(is_right), None, text)
