"""Read: one word in a real font on a coloured canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.objects import COLOURS
from cvit_bench.mini.recipes.pictures import SIDE, Mark, canvas, png, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources
from cvit_bench.mini.recipes.words import FONTS, READ, Type, cased, letters

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

QUESTIONS = ["What does it say?", "Which word is written here?", "What word can be read?"]
DARK = {"gray", "black", "red", "green", "blue", "purple"}
SEED = 22


def board(word: str, type_: Type, rng: np.random.Generator) -> tuple[Image, list[Mark], str]:
    """Set a word large on a canvas, light on dark or dark on light; name the canvas' colour."""
    colour = str(rng.choice(list(COLOURS)))
    picture = canvas(colour, rng)
    text = cased(word, rng)
    font = type_.fitting(str(rng.choice(FONTS)), text, int(rng.integers(46, 56)))
    room = max(0.0, (SIDE - 8 - font.getlength(text)) / 2)
    centre = (SIDE / 2 + float(rng.uniform(-room, room)), float(rng.uniform(20, 44)))
    mask, marks = letters(text, font, centre, float(rng.uniform(-7, 7)))
    level = int(rng.integers(225, 256)) if colour in DARK else int(rng.integers(0, 45))
    picture.paste((level,) * 3, (0, 0), mask)
    return picture, marks, colour


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    type_ = Type(sources)
    return [
        Row(
            id=f"read-{split}-{number:05d}",
            image=png(rounded(board(word, type_, rng)[0])),
            question=QUESTIONS[number % len(QUESTIONS)],
            answers=[word],
        )
        for number, word in enumerate(spread(READ, count, rng))
    ]
