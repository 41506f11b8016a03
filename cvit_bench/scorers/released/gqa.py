"""GQA as LLaVA, CoIN and SMoLoRA score it: equality after lower case and without trailing full stops.

One leading blank goes, too. Form: at most two words, or the gold answer.
"""

from collections.abc import Sequence

from cvit_bench.answers.published_form import is_short
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "GQA, equality"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    said = text.rstrip(".").lower().removeprefix(" ")
    return ReleasedScore(float(said in sample.answers), is_short(text, sample.answers), said)
