"""Places: three things that are found in one place; which place it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.layout import apart
from cvit_bench.mini.recipes.objects import COLOURS, PLACES, Art
from cvit_bench.mini.recipes.pictures import Mark, canvas, png, put_all, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

QUESTIONS = [
    "Which place is this?",
    "Where are all these things found?",
    "What kind of place is in the picture?",
]
SEED = 27


def place(name: str, art: Art, rng: np.random.Generator) -> tuple[Image, list[Mark], str]:
    """Draw three things of a place on a canvas; name the canvas' colour."""
    colour = str(rng.choice(list(COLOURS)))
    picture = canvas(colour, rng)
    things = [PLACES[name][n] for n in rng.permutation(len(PLACES[name]))[:3]]
    spots = apart(3, 23, 29, rng)
    marks = put_all(picture, things, art, spots, rng)
    return picture, marks, colour


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art = Art(sources)
    return [
        Row(
            id=f"places-{split}-{number:05d}",
            image=png(rounded(place(name, art, rng)[0])),
            question=QUESTIONS[number % len(QUESTIONS)],
            answers=[name],
        )
        for number, name in enumerate(spread(list(PLACES), count, rng))
    ]
