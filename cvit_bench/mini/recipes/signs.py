"""Signs: an emoji and a board with a word, described by four sentences that name both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.caption import with_article
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, Art
from cvit_bench.mini.recipes.pictures import SIDE, Mark, canvas, png, put, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources
from cvit_bench.mini.recipes.words import FONTS, SIGNS, Type, cased, letters

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

QUESTIONS = ["What does the picture show and say?", "Tell what is in the image and what the sign says."]
BOARD, LARGEST = 24, 19
"""Height of the board, and of its letters at most, in pixels."""
SEED = 25


def sign(
    name: str, word: str, art: Art, type_: Type, rng: np.random.Generator
) -> tuple[Image, list[Mark], str]:
    """Draw an object below or above a pale board with a word; name the canvas' colour."""
    import PIL.ImageDraw

    colour = str(rng.choice([known for known in COLOURS if known != "white"]))
    picture = canvas(colour, rng)
    above = bool(rng.random() < 0.5)
    top = int(rng.integers(1, 4)) if above else SIDE - BOARD - int(rng.integers(1, 4))
    paper = tuple(int(level) for level in rng.integers(228, 256, 3))
    PIL.ImageDraw.Draw(picture).rounded_rectangle(
        (2, top, SIDE - 3, top + BOARD - 1), 3, fill=paper, outline="black"
    )
    text = cased(word, rng)
    font = type_.fitting(str(rng.choice(FONTS)), text, int(rng.integers(46, 55)), LARGEST)
    mask, marks = letters(text, font, (SIDE / 2, top + BOARD / 2 - 0.5))
    picture.paste((int(rng.integers(0, 45)),) * 3, (0, 0), mask)
    side = int(rng.integers(29, 36))
    left = int(rng.integers(0, SIDE - side + 1))
    marks.append(put(picture, name, art[name], (left, SIDE - side - 1 if above else 1, side), rng))
    return picture, marks, colour


def sentences(name: str, word: str) -> list[str]:
    """Describe the object and the word in four ways."""
    named = with_article(name)
    return [
        f"{named[0].upper()}{named[1:]} and a sign that says {word}.",
        f"The sign with {named} says {word}.",
        f"A sign says {word} next to {named}.",
        f"The image shows {named} and a sign with the word {word}.",
    ]


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art, type_ = Art(sources), Type(sources)
    names, words = spread([thing.name for thing in CAPTIONED], count, rng), spread(SIGNS, count, rng)
    made = []
    for number, (name, word) in enumerate(zip(names, words, strict=True)):
        picture, _, _ = sign(name, word, art, type_, rng)
        question = QUESTIONS[number % len(QUESTIONS)]
        made.append(
            Row(f"signs-{split}-{number:05d}", png(rounded(picture)), question, sentences(name, word))
        )
    return made
