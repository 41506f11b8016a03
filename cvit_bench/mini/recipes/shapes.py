"""Shapes: easy-VQA pictures and questions, answered with one word: a colour, a shape, yes or no."""

from __future__ import annotations

from cvit_bench.mini.recipes.pictures import INKS, png
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.sources import Sources

COLOURS = list(INKS)
SHAPES = ["circle", "rectangle", "triangle"]
SEED = 14


def asked(sources: Sources, split: str) -> list[tuple[str, str, int]]:
    """Return easy-VQA's questions without the negated ones."""
    rows = sources.easy_vqa(split)
    return [row for row in rows if " not " not in row[0] and not row[0].startswith("is no ")]


def cells(found: list[tuple[str, str, int]]) -> dict[str, list[tuple[str, str, int]]]:
    """Give each picture one question, in 47 turns: 8 colours five times, 3 shapes once, yes and no twice.

    So no kind of question and no answer is common enough to be guessed without the picture.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    turns = [*COLOURS * 5, *SHAPES, *["yes", "no"] * 2]
    queues = {answer: [row for row in found if row[1] == answer] for answer in dict.fromkeys(turns)}
    shuffled = {answer: [rows[n] for n in rng.permutation(len(rows))] for answer, rows in queues.items()}
    used: set[int] = set()
    groups: dict[str, list[tuple[str, str, int]]] = {
        f"{turn}:{answer}": [] for turn, answer in enumerate(turns)
    }
    while any(shuffled.values()):
        for key, group in groups.items():
            rows = shuffled[key.split(":")[1]]
            while rows and rows[-1][2] in used:
                rows.pop()
            if rows:
                used.add(rows[-1][2])
                group.append(rows.pop())
    return groups


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split from easy-VQA's split of the same name, one question a picture."""
    import numpy as np

    groups = cells(asked(sources, split))
    drawn = balanced(groups, count, np.random.default_rng([SEED, split == "test"]))
    return [
        Row(
            id=f"shapes-{split}-{place:05d}",
            image=png(sources.easy_vqa_image(split, number)),
            question=question[0].upper() + question[1:],
            answers=[answer],
        )
        for place, (_, (question, answer, number)) in enumerate(drawn)
    ]
