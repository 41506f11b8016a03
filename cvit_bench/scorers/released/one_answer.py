"""VQAv2 and VizWiz as CoIN and SMoLoRA score them: equality with one gold answer, whatever the case.

No normalisation, no second annotator. Where a sample has several answers, the gold one is the commonest (the
first of those). Form: at most two words, or the gold answer.
"""

from collections import Counter
from collections.abc import Sequence

from cvit_bench.answers.published_form import is_short
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "One gold answer"
HIGHEST = 1.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    gold = Counter(sample.answers).most_common(1)[0][0] if sample.answers else None
    is_right = gold is not None and text.upper() == gold.upper()
    return ReleasedScore(float(is_right), is_short(text, () if gold is None else (gold,)), text)
