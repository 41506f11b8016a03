"""The pictured objects: the Unicode name of each emoji, what we call it, and what kind of thing it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from cvit_bench.mini.recipes.sources import Sources


@dataclass(frozen=True)
class Thing:
    """One pictured object."""

    unicode_name: str
    name: str
    kind: str


def _things(kind: str, listing: str) -> list[Thing]:
    """Read `unicode name=our name` entries, comma separated; one name serves as both."""
    pairs = [entry.strip().partition("=") for entry in listing.split(",")]
    return [Thing(unicode_name, name or unicode_name, kind) for unicode_name, _, name in pairs]


CAPTIONED: list[Thing] = [
    *_things(
        "food",
        "red apple=apple, banana, grapes, strawberry, pineapple, carrot, pizza, bread, lemon, watermelon",
    ),
    *_things("plant", "cactus, sunflower, tulip, mushroom"),
    *_things("animal", "frog, pig face=pig, cat face=cat, rabbit face=rabbit, panda, owl, fish, crab"),
    *_things("animal", "butterfly, snail, turtle, whale, duck"),
    *_things("vehicle", "bus, automobile=car, bicycle, rocket"),
    *_things("building", "house, castle"),
    *_things("object", "umbrella, star, cloud, balloon, guitar, key, crown"),
]
"""The forty objects of the caption task."""

OTHER: list[Thing] = [
    *_things("food", "tomato, doughnut, hamburger, cookie, pear, potato, cupcake, broccoli"),
    *_things("plant", "rose, evergreen tree=tree, palm tree=palm"),
    *_things("animal", "elephant, penguin, fox, bear, spider, shark, snake, octopus"),
    *_things("vehicle", "tractor, helicopter, sailboat=boat, motorcycle"),
    *_things("building", "tent"),
    *_things("object", "hammer, scissors, bell, drum, chair, candle, camera, trumpet"),
]
"""Objects of the spoilt pictures; else only the base model's own training shows them."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (245, 245, 245),
    "gray": (135, 135, 135),
    "black": (25, 25, 25),
    "red": (205, 45, 45),
    "yellow": (245, 215, 70),
    "green": (75, 165, 80),
    "blue": (65, 105, 215),
    "purple": (135, 75, 175),
}
"""Background colours of the canvases, before jitter."""

PLACES: dict[str, list[str]] = {
    "beach": ["umbrella on ground", "spiral shell", "desert island", "person surfing", "bikini"],
    "farm": ["cow face", "rooster", "sheaf of rice", "ear of corn", "horse face"],
    "kitchen": ["cooking", "fork and knife with plate", "kitchen knife", "teapot", "cheese wedge"],
    "street": ["vertical traffic light", "fuel pump", "taxi", "bus stop", "stop sign"],
    "space": ["ringed planet", "satellite", "full moon", "comet", "flying saucer"],
    "party": ["party popper", "wrapped gift", "birthday cake", "confetti ball", "clinking glasses"],
    "concert": ["microphone", "saxophone", "violin", "musical keyboard", "banjo"],
    "stadium": ["soccer ball", "basketball", "trophy", "american football", "sports medal"],
    "hospital": ["syringe", "stethoscope", "pill", "thermometer", "adhesive bandage"],
    "school": ["backpack", "books", "pencil", "straight ruler", "abacus"],
}
"""Places and the Unicode names of what is found there."""


class Art:
    """The pictures of all objects, opened once: by our name, by Unicode name for the things of a place."""

    def __init__(self, sources: Sources) -> None:
        wanted = {thing.name: thing.unicode_name for thing in (*CAPTIONED, *OTHER)}
        wanted |= {name: name for names in PLACES.values() for name in names}
        self._images = {name: sources.emoji(code).resize((128, 128)) for name, code in wanted.items()}

    def __getitem__(self, name: str) -> Image:
        """Return one object's picture, 128 px, RGBA."""
        return self._images[name]
