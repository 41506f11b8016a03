"""CIDEr: consensus of a sentence with several references (Vedantam, Zitnick and Parikh, 2015).

With g(c) the TF-IDF vector of the n-grams of c, references s_1 … s_m, and N samples of which df(w) hold the
n-gram w in one of their references (a sample counts once, however often it is asked):

    weight of w in c   count(w, c) · (ln N − ln max(1, df(w)))
    sim_n(c, s)        exp(−(l(c) − l(s))² / 2σ²) · Σ_w min(g_c, g_s) · g_s / (|g_c| |g_s|)     σ = 6
    score              10 · mean over n = 1..4 and references of sim_n,  in [0, 10]

This is what the public caption evaluation calls CIDEr (clipped counts, l = number of bigrams); people print
100 times its corpus mean, and the mean of these scores is that corpus score. S = K: wording is the content.
A corpus of one sample has ln N = 0, so every weight is 0 and the score is 0, as in the public code.

Tokens are those of the Penn Treebank, lower-cased and without punctuation, but by one regular expression:
contractions are split (`does n't`, `man 's`), hyphens, prices and clock times stay whole. Known differences:
abbreviations lose their last full stop (`p.m`), and brackets vanish, which the public pipeline leaves in.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cvit_bench.records.form import form_kept
from cvit_bench.records.sample import Sample, Score
from cvit_bench.records.task import Task

TITLE = "CIDEr"
OPEN_ENDED = True
HIGHEST = 10.0

_LONGEST = 4
_SIGMA = 6.0
_TOKEN = re.compile(
    r"can(?=not\b)|(?<=can)not\b|o'\w+|\w+?(?=n't\b)|n't\b|'(?:s|m|d|re|ve|ll)\b"
    r"|\d+(?:[.,:/]\d+)+|\w+(?:[-./@]\w+)*|[$%&#@*+=]"
)

Gram = tuple[str, ...]
Tokenizer = Callable[[str], list[str]]


class _Sentence(NamedTuple):
    """Counts of the n-grams for n = 1..4, and the number of bigrams."""

    counts: list[Counter[Gram]]
    length: int


class _Vector(NamedTuple):
    """TF-IDF weights of the n-grams and their norm for n = 1..4, and the number of bigrams."""

    weights: list[dict[Gram, float]]
    norms: list[float]
    length: int


class _Corpus(NamedTuple):
    """ln N − ln df of every n-gram of the references, ln N for any other, and the weighed references."""

    rarity: dict[Gram, float]
    unseen: float
    references: dict[str, list[_Vector]]


def score(task: Task, items: Sequence[tuple[Sample, str]]) -> list[Score]:
    """Score sentences against their references (S = K in [0, 10])."""
    values = _corpus_scores(items, _tokens)
    return [
        Score(value, value, form_kept(task.answer_form, task.form, text), text.strip())
        for value, (_, text) in zip(values, items, strict=True)
    ]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower().replace("’", "'"))


def _corpus_scores(items: Sequence[tuple[Sample, str]], tokenize: Tokenizer) -> list[float]:
    documents = {sample.id: sample.answers for sample, _ in items}
    corpus = _corpus(tuple(sorted(documents.items())), tokenize)
    return [
        _score_one(_vector(_sentence(tokenize(text)), corpus), corpus.references[sample.id])
        for sample, text in items
    ]


@lru_cache(maxsize=2)
def _corpus(documents: tuple[tuple[str, tuple[str, ...]], ...], tokenize: Tokenizer) -> _Corpus:
    """Weigh the references of all samples; kept for the next answers to the same samples."""
    sentences = {name: [_sentence(tokenize(text)) for text in texts] for name, texts in documents}
    frequency: Counter[Gram] = Counter()
    for found in sentences.values():
        frequency.update(set().union(*(counts for sentence in found for counts in sentence.counts)))
    total = math.log(max(1, len(sentences)))
    corpus = _Corpus({gram: total - math.log(count) for gram, count in frequency.items()}, total, {})
    for name, found in sentences.items():
        corpus.references[name] = [_vector(sentence, corpus) for sentence in found]
    return corpus


def _sentence(tokens: Sequence[str]) -> _Sentence:
    grams = [zip(*(tokens[start:] for start in range(n)), strict=False) for n in range(1, _LONGEST + 1)]
    return _Sentence([Counter(found) for found in grams], max(0, len(tokens) - 1))


def _vector(sentence: _Sentence, corpus: _Corpus) -> _Vector:
    weights = [
        {gram: count * corpus.rarity.get(gram, corpus.unseen) for gram, count in counts.items()}
        for counts in sentence.counts
    ]
    return _Vector(weights, [math.hypot(*found.values()) for found in weights], sentence.length)


def _score_one(answer: _Vector, references: Sequence[_Vector]) -> float:
    if not references:
        return 0.0
    total = sum(_similarity(answer, reference) for reference in references)
    return min(HIGHEST, HIGHEST * total / len(references))


def _similarity(answer: _Vector, reference: _Vector) -> float:
    """Return the mean over n of the clipped cosine, times the penalty for another length."""
    cosines = map(_cosine, answer.weights, reference.weights, answer.norms, reference.norms)
    distance = answer.length - reference.length
    return math.exp(-(distance**2) / (2 * _SIGMA**2)) * sum(cosines) / _LONGEST


def _cosine(one: dict[Gram, float], two: dict[Gram, float], norm_one: float, norm_two: float) -> float:
    if not norm_one or not norm_two:
        return 0.0
    shared = (min(weight, two[gram]) * two[gram] for gram, weight in one.items() if gram in two)
    return sum(shared) / (norm_one * norm_two)
