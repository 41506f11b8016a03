"""What is kept of a pre-training picture: its pixels, a label for every patch, and the facts to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes import pictures
from cvit_bench.mini.recipes.garments import CLASSES
from cvit_bench.mini.recipes.maps import COUNTRIES
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, OTHER, PLACES
from cvit_bench.mini.recipes.pictures import SIDE, Mark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SHAPES = ["circle", "rectangle", "triangle", "star", "cross", "ring"]
INKS: dict[str, tuple[int, int, int]] = {
    **pictures.INKS,
    "purple": (140, 60, 190),
    "white": (255, 255, 255),
}
THINGS = [*CAPTIONED, *OTHER]
NAMES = list(
    dict.fromkeys(
        [
            "",
            *SHAPES,
            *[thing.name for thing in THINGS],
            *CLASSES,
            *NUMBER_WORDS,
            *ascii_lowercase,
            *COUNTRIES,
            *[thing for things in PLACES.values() for thing in things],
        ]
    )
)
INK_NAMES = list(dict.fromkeys([*INKS, *COLOURS]))
IGNORED = 255
PATCH = 8

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Facts:
    """What is true of one picture: its main thing, what else there is, colours, a word, places of things.

    Where there are `others`, the main thing stands left of the first of them, or above it (`across` false);
    `ordered` says whether that may be asked.
    """

    domain: str
    name: str
    colour: str = ""
    background: str = ""
    kind: str = ""
    count: int = 1
    others: tuple[str, ...] = ()
    ordered: bool = False
    across: bool = True
    text: str = ""
    box: Box | None = None


@dataclass
class Store:
    """Many pictures: pixels, per-patch labels (object and colour) and facts."""

    pixels: list[NDArray[np.uint8]] = field(default_factory=list)
    objects: list[NDArray[np.uint8]] = field(default_factory=list)
    colours: list[NDArray[np.uint8]] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)

    def add(self, picture: Image, marks: Sequence[Mark], facts: Facts) -> None:
        """Keep a picture; the marks say what covers every pixel."""
        import numpy as np

        shares = np.stack([_shares(mark) for mark in marks])
        shown = shares > np.minimum(0.2, 0.45 * shares.max((1, 2), keepdims=True))
        known = np.array([NAMES.index(mark.name) for mark in marks], np.uint8)
        names = np.where(shown.any(0), known[(shares * shown).argmax(0)], 0)
        ink = INK_NAMES.index(facts.colour) if facts.colour else IGNORED
        behind = INK_NAMES.index(facts.background) if facts.background else IGNORED
        bare = shares.sum(0) < 0.1
        self.pixels.append(np.asarray(picture.convert("RGB")))
        self.objects.append(names.astype(np.uint8))
        self.colours.append(np.where(shown.any(0), ink, np.where(bare, behind, IGNORED)).astype(np.uint8))
        self.facts.append(facts)


def _shares(mark: Mark) -> NDArray[np.float64]:
    """Return how much of every patch the mark covers, (8, 8) in 0 to 1."""
    import numpy as np

    cover = np.asarray(mark.cover, np.float64)
    shares: NDArray[np.float64] = cover.reshape(PATCH, SIDE // PATCH, PATCH, SIDE // PATCH).mean((1, 3)) / 255
    return shares
