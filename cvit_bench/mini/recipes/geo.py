"""Geo: the outline of a country in one colour; which country or which colour, by lettered options.

The options of a question stand in a fixed order, because a model of this size does not learn shuffled ones.
"""

from __future__ import annotations

from cvit_bench.mini.recipes.maps import COUNTRIES, GROUPS, Atlas, chart
from cvit_bench.mini.recipes.pictures import INKS, png, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

COLOUR_GROUPS = [["teal", "red", "gray", "blue"], ["yellow", "black", "green", "brown"]]
"""Not the groups in which the base model's own training lists colours: these letters are to be learned."""

QUESTIONS = {
    "country": [
        "Which country is this?",
        "Which country does the map show?",
        "The outline is of which country?",
    ],
    "colour": [
        "What color is the country?",
        "In which color is the country drawn?",
        "What is the color of the map?",
    ],
}
LETTERS = "ABCD"
SEED = 21


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split: half the questions ask for the country, half for its colour."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    atlas = Atlas(sources)
    pairs = zip(spread(COUNTRIES, count, rng), spread(list(INKS), count, rng), strict=True)
    made = []
    for number, (country, colour) in enumerate(pairs):
        topic = ("country", "colour")[number % 2]
        answer, groups = (country, GROUPS) if topic == "country" else (colour, COLOUR_GROUPS)
        options = next(group for group in groups if answer in group)
        picture, _ = chart(atlas, country, colour, rng)
        made.append(
            Row(
                id=f"geo-{split}-{number:05d}",
                image=png(rounded(picture)),
                question=QUESTIONS[topic][number // 2 % 3],
                answers=[LETTERS[options.index(answer)]],
                choices=options,
            )
        )
    return made
