"""TextVQA as LLaVA, CoIN and SMoLoRA score it: soft accuracy over ten answers, normalised as M4C does.

Differs from the VQA challenge in the normalisation alone (`answers.vqa_words`). An answer of articles only is
empty after it, and then equals an equally empty reference. Form: at most two words, or the gold answer.
"""

from collections.abc import Sequence
from functools import lru_cache

from cvit_bench.answers.published_form import is_short
from cvit_bench.answers.vqa_words import m4c_words, soft_accuracies
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "TextVQA, M4C"
HIGHEST = 1.0

_NUM_ANSWERS = 10


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score answers as the released script does."""
    return [_judge(sample, text) for sample, text in items]


def _judge(sample: Sample, text: str) -> ReleasedScore:
    if len(sample.answers) != _NUM_ANSWERS:
        raise CvitBenchError(
            f"sample {sample.id!r}: answers: the released scorer 'textvqa' needs {_NUM_ANSWERS} of them, "
            f"here are {len(sample.answers)}"
        )
    said = m4c_words(text)
    accuracy = _accuracies(sample.answers).get(said, 0.0)
    return ReleasedScore(accuracy, is_short(text, sample.answers), said)


@lru_cache(maxsize=1 << 14)
def _accuracies(answers: tuple[str, ...]) -> dict[str, float]:
    return soft_accuracies([m4c_words(answer) for answer in answers])
