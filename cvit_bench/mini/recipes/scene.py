"""Scene: two or more emoji on a canvas; which, where, how many, what colour, yes or no.

Its content is that of the captions (which object, on which colour), asked for in one word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.layout import cells, pair
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, Art
from cvit_bench.mini.recipes.pictures import Mark, canvas, png, put_all, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

TURNS = ["beside"] * 9 + ["colour"] * 4 + ["count"] * 3 + ["presence"] * 9
"""Of twenty-five questions, how many ask for what: no answer is common enough to be guessed."""

COUNTS = ["one", "two", "three", "four"]
SIDES = {True: ("left of", "right of"), False: ("above", "below")}
QUESTIONS = {
    "colour": ["What color is the background?", "Which color is behind the things?"],
    "count": ["How many times is the {name} shown?", "How many copies of the {name} are there?"],
    "presence": ["Is there a {name} in the picture?", "Does the image show a {name}?"],
}
SEED = 23


def two(
    names: list[str], art: Art, colour: str, across: bool, rng: np.random.Generator
) -> tuple[Image, list[Mark]]:
    """Draw two objects, the first left of the second, or above it."""
    picture = canvas(colour, rng)
    spots = pair(across, rng)
    return picture, put_all(picture, names, art, spots, rng)


def several(names: list[str], art: Art, colour: str, rng: np.random.Generator) -> tuple[Image, list[Mark]]:
    """Draw up to four objects in the quarters of the canvas."""
    picture = canvas(colour, rng)
    spots = cells(len(names), rng)
    return picture, put_all(picture, names, art, spots, rng)


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art = Art(sources)
    known = [thing.name for thing in CAPTIONED]
    things, colours = spread(known, count, rng), spread(list(COLOURS), count, rng)
    turns = spread(TURNS, count, rng)
    seen = dict.fromkeys(QUESTIONS, 0)
    made = []
    for number, (thing, colour, turn) in enumerate(zip(things, colours, turns, strict=True)):
        other = str(rng.choice([name for name in known if name != thing]))
        if turn == "beside":
            across, first = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
            names = [thing, other] if first else [other, thing]
            picture, _ = two(names, art, colour, across, rng)
            question, answer = f"What is {SIDES[across][not first]} the {other}?", thing
        else:
            place, seen[turn] = seen[turn], seen[turn] + 1
            question = QUESTIONS[turn][place % 2]
            if turn == "count":
                copies = place % 4 + 1
                names = [thing] * copies + [other] * int(copies < 4 and rng.random() < 0.5)
                picture, _ = several(names, art, colour, rng)
                question, answer = question.format(name=thing), COUNTS[copies - 1]
            else:
                picture, _ = two([thing, other], art, colour, bool(rng.random() < 0.5), rng)
                absent = str(rng.choice([name for name in known if name not in (thing, other)]))
                asked, truth = (thing, "yes") if place // 2 % 2 else (absent, "no")
                question = question.format(name=asked)
                answer = colour if turn == "colour" else truth
        made.append(Row(f"scene-{split}-{number:05d}", png(rounded(picture)), question, [answer]))
    return made
