"""Garments: Fashion-MNIST photographs, ten class names."""

from __future__ import annotations

from cvit_bench.mini.recipes.pictures import enlarge, png
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.sources import Sources

CLASSES = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
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
            answers=[CLASSES[labels[number]]],
        )
        for place, number in enumerate(chosen(sources, split, count))
    ]
