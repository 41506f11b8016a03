"""TextCaps as SMoLoRA scores it: CIDEr over tokens cut at white space.

Case and punctuation stay on the words: `kitchen` never meets `kitchen.`. The corpus is the answered samples,
and the score of each is in [0, 10]; the printed one is 100 times their mean. Form: a sentence that ends with
a full stop and has five words or stands in a reference.
"""

from collections.abc import Sequence

from cvit_bench.answers.consensus import corpus_scores
from cvit_bench.answers.published_form import is_sentence
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "CIDEr, white-space tokens"
HIGHEST = 10.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score captions as the released script does."""
    values = corpus_scores([(sample.id, sample.answers, text) for sample, text in items], str.split)
    return [
        ReleasedScore(value, is_sentence(text, sample.answers), text)
        for value, (sample, text) in zip(values, items, strict=True)
    ]
