"""How much a sentence shares with its references, n-gram by n-gram (Vedantam, Zitnick and Parikh, 2015).

With g(c) the TF-IDF vector of the n-grams of c, and N documents of which df(w) hold the n-gram w:

    weight of w in c   count(w, c) · (ln N − ln max(1, df(w)))
    cosine_n(c, s)     Σ_w g_c · g_s / (|g_c| |g_s|)
    clipped_n(c, s)    Σ_w min(g_c, g_s) · g_s / (|g_c| |g_s|) · exp(−(l(c) − l(s))² / 2σ²)     σ = 6
    similarity         mean over n = 1..4, in [0, 1]

l counts bigrams, as the public code does; so differ no two lengths from those counted in words, but for a
sentence without any word.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

HIGHEST = 10.0

_LONGEST = 4
_SIGMA = 6.0

Gram = tuple[str, ...]
Tokenizer = Callable[[str], list[str]]


class Sentence(NamedTuple):
    """Counts of the n-grams for n = 1..4, and the number of bigrams."""

    counts: tuple[Counter[Gram], ...]
    length: int


class Vector(NamedTuple):
    """TF-IDF weights of the n-grams and their norm for n = 1..4, and the number of bigrams."""

    weights: tuple[dict[Gram, float], ...]
    norms: tuple[float, ...]
    length: int


class Rarity(NamedTuple):
    """ln N − ln df of every n-gram of the documents, and ln N for any other."""

    known: dict[Gram, float]
    unseen: float


Similarity = Callable[[Vector, Vector], float]


def sentence(tokens: Sequence[str]) -> Sentence:
    """Count the n-grams of a sentence."""
    grams = (zip(*(tokens[start:] for start in range(n)), strict=False) for n in range(1, _LONGEST + 1))
    return Sentence(tuple(Counter(found) for found in grams), max(0, len(tokens) - 1))


def rarity(documents: Iterable[Sequence[Sentence]]) -> Rarity:
    """Count in how many documents, of one or more sentences each, an n-gram stands."""
    frequency: Counter[Gram] = Counter()
    num = 0
    for sentences in documents:
        num += 1
        frequency.update(set().union(*(counts for one in sentences for counts in one.counts)))
    total = math.log(max(1, num))
    return Rarity({gram: total - math.log(count) for gram, count in frequency.items()}, total)


def vector(one: Sentence, weights: Rarity) -> Vector:
    """Weigh the n-grams of a sentence."""
    known, unseen = weights
    weighed = tuple(
        {gram: count * known.get(gram, unseen) for gram, count in counts.items()} for counts in one.counts
    )
    return Vector(weighed, tuple(math.hypot(*found.values()) for found in weighed), one.length)


def clipped(answer: Vector, reference: Vector) -> float:
    """Return the clipped cosine, times the penalty for another length."""
    distance = answer.length - reference.length
    return math.exp(-(distance**2) / (2 * _SIGMA**2)) * _mean(_clipped_dot, answer, reference)


def cosine(answer: Vector, reference: Vector) -> float:
    """Return the plain cosine."""
    return _mean(_dot, answer, reference)


def corpus_scores(
    items: Sequence[tuple[str, Sequence[str], str]], tokenize: Tokenizer, similarity: Similarity = clipped
) -> list[float]:
    """Score (id, references, answer) triples: 10 · mean similarity to the references, in [0, 10].

    The documents are the references of each id; an id counts once, however often it is asked.
    """
    documents = {name: tuple(references) for name, references, _ in items}
    weights, references = _weighed(tuple(sorted(documents.items())), tokenize)
    found = (vector(sentence(tokenize(text)), weights) for _, _, text in items)
    return [
        _score(answer, references[name], similarity)
        for answer, (name, _, _) in zip(found, items, strict=True)
    ]


@lru_cache(maxsize=2)
def _weighed(
    documents: tuple[tuple[str, tuple[str, ...]], ...], tokenize: Tokenizer
) -> tuple[Rarity, dict[str, list[Vector]]]:
    """Weigh the references of all samples; kept for the next answers to the same samples."""
    sentences = {name: [sentence(tokenize(text)) for text in texts] for name, texts in documents}
    weights = rarity(sentences.values())
    return weights, {name: [vector(one, weights) for one in found] for name, found in sentences.items()}


def _score(answer: Vector, references: Sequence[Vector], similarity: Similarity) -> float:
    if not references:
        return 0.0
    total = sum(similarity(answer, reference) for reference in references)
    return min(HIGHEST, HIGHEST * total / len(references))


def _mean(
    dot: Callable[[dict[Gram, float], dict[Gram, float]], float], answer: Vector, reference: Vector
) -> float:
    pairs = zip(answer.weights, reference.weights, answer.norms, reference.norms, strict=True)
    return sum(dot(one, two) / (a * b) for one, two, a, b in pairs if a and b) / _LONGEST


def _clipped_dot(one: dict[Gram, float], two: dict[Gram, float]) -> float:
    return sum(min(weight, two[gram]) * two[gram] for gram, weight in one.items() if gram in two)


def _dot(one: dict[Gram, float], two: dict[Gram, float]) -> float:
    return sum(weight * two[gram] for gram, weight in one.items() if gram in two)
