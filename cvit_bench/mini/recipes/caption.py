"""Caption: one Fluent 3-D emoji on a coloured canvas, described by four sentences of our own."""

from __future__ import annotations

from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, Thing
from cvit_bench.mini.recipes.pictures import canvas, place, png, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

QUESTIONS = ["What does the picture show?", "Tell what is in the image.", "What can be seen here?"]
PLURAL = {"grapes"}
UNCOUNTED = {"grapes", "bread", "food"}
SEED = 13


def with_article(name: str) -> str:
    """Put `a`, `an` or `some` before a name."""
    if name in UNCOUNTED:
        return f"some {name}"
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def sentences(thing: Thing, colour: str) -> list[str]:
    """Describe the object on its background in four ways."""
    named = with_article(thing.name)
    return [
        f"{named[0].upper()}{named[1:]} on a {colour} background.",
        f"There {'are' if thing.name in PLURAL else 'is'} {named} in front of a {colour} background.",
        f"The {thing.kind} in the picture is {named}, shown on {colour}.",
        f"The image shows {named} and the background is {colour}.",
    ]


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split; the two draw sizes, places, flips and backgrounds from different seeds."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art = {thing.unicode_name: sources.emoji(thing.unicode_name) for thing in CAPTIONED}
    pairs = [(thing, colour) for thing in CAPTIONED for colour in COLOURS]
    made = []
    for number, (thing, colour) in enumerate(spread(pairs, count, rng)):
        picture = canvas(colour, rng)
        place(picture, art[thing.unicode_name], rng)
        question = QUESTIONS[number % len(QUESTIONS)]
        made.append(
            Row(f"caption-{split}-{number:05d}", png(rounded(picture)), question, sentences(thing, colour))
        )
    return made
