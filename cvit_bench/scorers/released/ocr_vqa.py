"""OCR-VQA as CoIN and SMoLoRA score it: equality whatever the case, unless `Unanswerable` stands in it.

Form: at most two words, or the gold answer.
"""

from collections.abc import Sequence

from cvit_bench.answers.published_form import is_short
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "OCR-VQA, equality"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    is_right = "Unanswerable" not in text and text.lower() in [gold.lower() for gold in sample.answers]
    return ReleasedScore(float(is_right), is_short(text, sample.answers), text)
