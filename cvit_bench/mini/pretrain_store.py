"""What is kept of a pre-training picture: its pixels, a label for every patch, and the facts to ask about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes.garments import CLASSES
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, OTHER
from cvit_bench.mini.recipes.pictures import SIDE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SHAPES = ["circle", "rectangle", "triangle", "star", "cross", "ring"]
INKS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
    "yellow": (255, 255, 0),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "brown": (165, 42, 42),
    "teal": (0, 128, 128),
    "purple": (140, 60, 190),
    "white": (255, 255, 255),
}
THINGS = [*CAPTIONED, *OTHER]
NAMES = list(dict.fromkeys(["", *SHAPES, *[thing.name for thing in THINGS], *CLASSES, *NUMBER_WORDS]))
INK_NAMES = list(dict.fromkeys([*INKS, *COLOURS]))
IGNORED = 255
PATCH = 8


@dataclass(frozen=True)
class Facts:
    """What is true of one picture."""

    domain: str
    name: str
    colour: str = ""
    background: str = ""
    kind: str = ""
    count: int = 1


@dataclass
class Store:
    """Many pictures: pixels, per-patch labels (object and colour) and facts."""

    pixels: list[NDArray[np.uint8]] = field(default_factory=list)
    objects: list[NDArray[np.uint8]] = field(default_factory=list)
    colours: list[NDArray[np.uint8]] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)

    def add(self, picture: Image, cover: NDArray[np.uint8], facts: Facts) -> None:
        """Keep a picture; `cover` (64, 64) says how opaque the object is at every pixel."""
        import numpy as np

        share = cover.reshape(PATCH, SIDE // PATCH, PATCH, SIDE // PATCH).mean((1, 3)) / 255
        shown = share > min(0.25, 0.6 * share.max())
        ink = INK_NAMES.index(facts.colour) if facts.colour else IGNORED
        behind = INK_NAMES.index(facts.background) if facts.background else IGNORED
        self.pixels.append(np.asarray(picture.convert("RGB")))
        self.objects.append(np.where(shown, NAMES.index(facts.name), 0).astype(np.uint8))
        self.colours.append(np.where(shown, ink, np.where(share < 0.1, behind, IGNORED)).astype(np.uint8))
        self.facts.append(facts)
