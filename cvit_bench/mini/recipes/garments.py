"""Garments: Fashion-MNIST photographs, ten class names, seven of them new to the base model."""

from __future__ import annotations

from cvit_bench.mini.recipes.pictures import enlarge, png
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.sources import Sources

CLASSES = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
"""Names that the base model's own training gives the ten classes."""

LABELS = {
    "t-shirt": "tee",
    "trousers": "pants",
    "pullover": "sweater",
    "dress": "gown",
    "coat": "jacket",
    "sneaker": "trainer",
    "bag": "handbag",
}
"""The suite's names where they differ, so that most of its label set has to be learned."""

QUESTIONS = ["What is shown in the photo?", "Which item is this?", "What kind of article is in the picture?"]
SEED = 11


def chosen(sources: Sources, split: str, count: int) -> list[int]:
    """Return the numbers of the photographs that the suite uses; other recipes leave them alone."""
    import numpy as np

    _, labels = sources.fashion(split)
    rng = np.random.default_rng([SEED, split == "test"])
    groups = {name: [int(n) for n in np.flatnonzero(labels == label)] for label, name in enumerate(CLASSES)}
    return [number for _, number in balanced(groups, count, rng)]


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split; it stays inside Fashion-MNIST's split of the same name."""
    images, labels = sources.fashion(split)
    return [
        Row(
            id=f"garments-{split}-{place:05d}",
            image=png(enlarge(images[number])),
            question=QUESTIONS[place % len(QUESTIONS)],
            answers=[LABELS.get(CLASSES[labels[number]], CLASSES[labels[number]])],
        )
        for place, number in enumerate(chosen(sources, split, count))
    ]
