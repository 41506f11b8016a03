"""Flickr30k as SMoLoRA scores it: not CIDEr, though its formula and tokens cut at white space.

    1  each answer against each of its references alone, the n-grams weighed by how many of *these* references
       hold them; the closest reference is kept, the first of equals
    2  the kept references against the answers, which now give the document frequencies: the arguments of the
       corpus score are swapped

So a score says how well a reference fits its answer, and one caption given to every picture scores 0. The
score of each sample is in [0, 10]; the printed one is 100 times their mean. Form: a sentence that ends with
a full stop and has five words or stands in a reference.
"""

from collections.abc import Sequence

from cvit_bench.answers.consensus import Rarity, Sentence, clipped, rarity, sentence, vector
from cvit_bench.answers.published_form import is_sentence
from cvit_bench.records.sample import ReleasedScore, Sample
from cvit_bench.records.task import Task

TITLE = "CIDEr with swapped arguments"
HIGHEST = 10.0


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[ReleasedScore]:
    """Score captions as the released script does."""
    answers = [sentence(text.split()) for _, text in items]
    weights = rarity([answer] for answer in answers)
    return [
        ReleasedScore(_swapped(answer, sample.answers, weights), is_sentence(text, sample.answers), text)
        for answer, (sample, text) in zip(answers, items, strict=True)
    ]


def _swapped(answer: Sentence, references: Sequence[str], weights: Rarity) -> float:
    found = [sentence(reference.split()) for reference in references]
    if not found:
        return 0.0
    kept = found[_closest(answer, found)]
    return HIGHEST * clipped(vector(kept, weights), vector(answer, weights))


def _closest(answer: Sentence, references: Sequence[Sentence]) -> int:
    """Return the place of the closest reference; each of them is a document of its own."""
    weights = rarity([reference] for reference in references)
    said = vector(answer, weights)
    scores = [clipped(said, vector(reference, weights)) for reference in references]
    return scores.index(max(scores))
