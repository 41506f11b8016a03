"""Ground: two or three emoji on a canvas; the box around one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.layout import apart
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, Art
from cvit_bench.mini.recipes.pictures import SIDE, Mark, canvas, png, put_all, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

QUESTIONS = ["Where is the {name}?", "Find the {name}.", "In which part of the picture is the {name}?"]
SEED = 28


def written(box: Sequence[int]) -> str:
    """Write a box in pixels as shares of the picture: left, top, right, bottom."""
    return f"[{', '.join(f'{edge / SIDE:.2f}' for edge in box)}]"


def crowd(names: list[str], art: Art, rng: np.random.Generator) -> tuple[Image, list[Mark], str]:
    """Draw objects of different sizes anywhere on a canvas, apart; name the canvas' colour."""
    colour = str(rng.choice(list(COLOURS)))
    picture = canvas(colour, rng)
    spots = apart(len(names), 20, 32, rng)
    marks = put_all(picture, names, art, spots, rng)
    return picture, marks, colour


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art = Art(sources)
    known = [thing.name for thing in CAPTIONED]
    made = []
    for number, name in enumerate(spread(known, count, rng)):
        others = [other for other in known if other != name]
        names = [name, *(others[n] for n in rng.permutation(len(others))[: int(rng.integers(1, 3))])]
        picture, marks, _ = crowd(names, art, rng)
        question = QUESTIONS[number % len(QUESTIONS)].format(name=name)
        answer = written(marks[0].box)
        made.append(Row(f"ground-{split}-{number:05d}", png(rounded(picture)), question, [answer]))
    return made
