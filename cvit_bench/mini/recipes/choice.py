"""Choice: easy-VQA pictures again, the same content as the short answers, asked with lettered options.

The options stand in a fixed order per question, because a model of this size does not learn shuffled ones.
"""

from __future__ import annotations

from cvit_bench.mini.recipes.pictures import png
from cvit_bench.mini.recipes.rows import Row, balanced
from cvit_bench.mini.recipes.shapes import SHAPES
from cvit_bench.mini.recipes.sources import Sources

BRIGHT = ["red", "blue", "green", "yellow"]
DARK = ["black", "gray", "brown", "teal"]
LETTERS = "ABCD"
SEED = 15


def lettered(sources: Sources, split: str) -> dict[str, list[tuple[str, list[str], str, int]]]:
    """Group (question, options, letter, picture) by kind and letter; each picture is asked one thing."""
    groups: dict[str, list[tuple[str, list[str], str, int]]] = {}
    seen: set[int] = set()
    for question, answer, number in sources.easy_vqa(split):
        options = next((listed for listed in (BRIGHT, DARK, SHAPES) if answer in listed), None)
        wanted = SHAPES if number % 10 in (0, 4) else BRIGHT + DARK
        if options is None or number % 2 or number in seen or answer not in wanted:
            continue
        seen.add(number)
        letter = LETTERS[options.index(answer)]
        key = f"{'shape' if options is SHAPES else 'colour'}:{letter}"
        groups.setdefault(key, []).append((question[0].upper() + question[1:], options, letter, number))
    return dict(sorted(groups.items()))


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split from easy-VQA's split of the same name."""
    import numpy as np

    drawn = balanced(lettered(sources, split), count, np.random.default_rng([SEED, split == "test"]))
    return [
        Row(
            id=f"choice-{split}-{place:05d}",
            image=png(sources.easy_vqa_image(split, number)),
            question=question,
            answers=[letter],
            choices=options,
        )
        for place, (_, (question, options, letter, number)) in enumerate(drawn)
    ]
