"""Plain scorers to compare with: what a published script does for its number, written down simply."""

import math
import re
from collections import Counter
from collections.abc import Callable

from cvit_bench.answers.ptb import ptb_tokens
from cvit_bench.records.sample import Sample

Items = list[tuple[Sample, str]]
MARKS = ';/[]"{}()=+\\_-><@`,?!'
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DIGITS = {word: str(at) for at, word in enumerate(DIGIT_WORDS)}


def equality(items: Items) -> list[float]:
    """Compare with the first reference; case is ignored."""
    return [float(text.strip().lower() == sample.answers[0].lower()) for sample, text in items]


def normalised(text: str) -> str:
    """Normalise as the VQA challenge does, mark by mark."""
    left = text
    for mark in MARKS:
        is_loose = mark + " " in text or " " + mark in text or re.search(r"\d,\d", text)
        left = left.replace(mark, "" if is_loose else " ")
    words = re.sub(r"\.(?!\d)", "", left).lower().split()
    return " ".join(DIGITS.get(word, word) for word in words if word not in ("a", "an", "the"))


def soft(items: Items) -> list[float]:
    """Leave one annotator out at a time."""
    found = []
    for sample, text in items:
        said, answers = normalised(text), [normalised(one) for one in sample.answers]
        shares = []
        for left_out in range(len(answers)):
            others = [one for at, one in enumerate(answers) if at != left_out]
            shares.append(min(1.0, sum(one == said for one in others) / 3))
        found.append(sum(shares) / len(shares))
    return found


def cider(items: Items) -> list[float]:
    """Weigh and compare every sentence anew for every cell."""
    references = [[counted(one) for one in sample.answers] for sample, _ in items]
    frequency = Counter(gram for some in references for gram in {gram for one in some for gram in one})
    found = []
    for some, (_, text) in zip(references, items, strict=True):
        said = weighed(counted(text), frequency, len(items))
        total = sum(similarity(said, weighed(one, frequency, len(items))) for one in some)
        found.append(10 * total / len(some))
    return found


def counted(text: str) -> Counter[tuple[str, ...]]:
    words = ptb_tokens(text)
    return Counter(tuple(words[at : at + n]) for n in (1, 2, 3, 4) for at in range(len(words) - n + 1))


Weighed = tuple[list[dict[tuple[str, ...], float]], list[float], int]


def weighed(counts: Counter[tuple[str, ...]], frequency: Counter[tuple[str, ...]], num: int) -> Weighed:
    weights: list[dict[tuple[str, ...], float]] = [{}, {}, {}, {}]
    for gram, count in counts.items():
        weights[len(gram) - 1][gram] = count * (math.log(num) - math.log(max(1, frequency[gram])))
    norms = [math.sqrt(sum(value**2 for value in one.values())) for one in weights]
    return weights, norms, sum(count for gram, count in counts.items() if len(gram) == 2)


def similarity(one: Weighed, two: Weighed) -> float:
    total = 0.0
    for mine, theirs, a, b in zip(one[0], two[0], one[1], two[1], strict=True):
        if a and b:
            shared = (min(mine[gram], theirs[gram]) * theirs[gram] for gram in mine if gram in theirs)
            total += sum(shared) / (a * b)
    return total / 4 * math.exp(-((one[2] - two[2]) ** 2) / 72)


PLAIN: dict[str, Callable[[Items], list[float]]] = {
    **dict.fromkeys(("exact", "option_letter", "yes_no", "number", "ocr_vqa"), equality),
    "vqa_accuracy": soft,
    "cider": cider,
}
"""Scorer -> its plain one."""
