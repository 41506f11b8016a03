"""Digits: handwritten MNIST digits, answered with a numeral."""

from __future__ import annotations

from cvit_bench.mini.recipes.pictures import enlarge, png
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.sources import Sources

QUESTIONS = ["Which digit is written here?", "What number does the picture show?", "Which number is this?"]
SEED = 12
LARGEST = 1000


def chosen(sources: Sources) -> list[int]:
    """Return the numbers of the pictures set aside for the suite, test and train together."""
    import numpy as np

    _, labels = sources.digits()
    groups = {str(digit): [int(n) for n in np.flatnonzero(labels == digit)] for digit in range(10)}
    return [number for _, number in balanced(groups, LARGEST, np.random.default_rng(SEED))]


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split: test takes the pictures set aside from the front, train from the back."""
    images, labels = sources.digits()
    numbers = chosen(sources)[:count] if split == "test" else chosen(sources)[::-1][:count]
    return [
        Row(
            id=f"digits-{split}-{place:05d}",
            image=png(enlarge(images[number])),
            question=QUESTIONS[place % len(QUESTIONS)],
            answers=[str(labels[number])],
        )
        for place, number in enumerate(numbers)
    ]
