"""Pictures for pre-training: drawn ahead into arrays, with a label for every patch and the facts to ask.

None is a picture of the suite: other photographs of the same sources, our own shapes, other canvases.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes import digits, garments
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, OTHER
from cvit_bench.mini.recipes.pictures import SIDE, canvas, enlarge
from cvit_bench.mini.recipes.sources import Sources

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
NAMES = list(
    dict.fromkeys(["", *SHAPES, *[thing.name for thing in THINGS], *garments.CLASSES, *NUMBER_WORDS])
)
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


def outline(shape: str, side: int, stretch: float) -> Image:
    """Draw one shape as a mask, white on black, smooth at the edges."""
    import PIL.Image
    import PIL.ImageDraw

    big = PIL.Image.new("L", (side * 4, side * 4))
    pen, top = PIL.ImageDraw.Draw(big), side * 4 - 1
    if shape == "circle":
        pen.ellipse((0, 0, top, top), fill=255)
    elif shape == "ring":
        pen.ellipse((0, 0, top, top), fill=255)
        pen.ellipse((top * 0.28, top * 0.28, top * 0.72, top * 0.72), fill=0)
    elif shape == "rectangle":
        pen.rectangle((0, 0, top * min(1, stretch), top * min(1, 1 / stretch)), fill=255)
    elif shape == "triangle":
        pen.polygon([(0, top), (top, top), (top / 2, top * 0.13)], fill=255)
    elif shape == "cross":
        pen.rectangle((top * 0.34, 0, top * 0.66, top), fill=255)
        pen.rectangle((0, top * 0.34, top, top * 0.66), fill=255)
    else:
        points = [(0.5, 0.0), (0.62, 0.35), (1.0, 0.38), (0.7, 0.6), (0.8, 1.0), (0.5, 0.76)]
        points += [(0.2, 1.0), (0.3, 0.6), (0.0, 0.38), (0.38, 0.35)]
        pen.polygon([(x * top, y * top) for x, y in points], fill=255)
    return big.resize((side, side), PIL.Image.Resampling.BOX)


def spots(count: int, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Return (left, top, side) for `count` things that do not overlap, or one large one."""
    if count == 1:
        side = int(rng.integers(9, 33))
        return [(int(rng.integers(0, SIDE - side + 1)), int(rng.integers(0, SIDE - side + 1)), side)]
    cells = rng.permutation(9)[:count]
    side = int(rng.integers(13, 19))
    free = 21 - side
    return [
        (
            int(cell % 3) * 21 + int(rng.integers(0, free + 1)),
            int(cell // 3) * 21 + int(rng.integers(0, free + 1)),
            side,
        )
        for cell in cells
    ]


def behind_shapes(colour: str, rng: np.random.Generator) -> tuple[Image, str]:
    """Return a pale plain background, or a canvas of another colour than the shape's."""
    import PIL.Image

    if rng.random() < 0.65 and colour != "white":
        pale = tuple(int(level) for level in rng.integers(228, 256, 3))
        return PIL.Image.new("RGB", (SIDE, SIDE), pale), ""
    name = str(rng.choice([name for name in COLOURS if name != colour]))
    return canvas(name, rng), name


def add_shape(store: Store, count: int, rng: np.random.Generator) -> None:
    """Draw `count` equal shapes in one colour."""
    import numpy as np
    import PIL.Image

    shape = str(rng.choice(SHAPES, p=[0.24, 0.24, 0.24, 0.1, 0.09, 0.09]))
    colour = str(rng.choice(list(INKS), p=[0.11] * 8 + [0.06] * 2))
    picture, background = behind_shapes(colour, rng)
    ink = tuple(int(level) for level in np.clip(np.array(INKS[colour]) + rng.integers(-12, 13, 3), 0, 255))
    cover = PIL.Image.new("L", (SIDE, SIDE))
    stretch = float(np.exp(rng.uniform(-0.8, 0.8)))
    for left, top, side in spots(count, rng):
        mask = outline(shape, side, stretch)
        picture.paste(ink, (left, top), mask)
        cover.paste(mask, (left, top))
    store.add(picture, np.asarray(cover), Facts("shapes", shape, colour, background, "shape", count))


def add_thing(store: Store, count: int, art: dict[str, Image], rng: np.random.Generator) -> None:
    """Place one emoji, or several copies of one, on a canvas."""
    import numpy as np
    import PIL.Image
    import PIL.ImageOps

    thing = THINGS[int(rng.integers(len(THINGS)))]
    colour = str(rng.choice(list(COLOURS)))
    picture, cover = canvas(colour, rng), PIL.Image.new("L", (SIDE, SIDE))
    turned = art[thing.unicode_name].rotate(float(rng.uniform(-14, 14)), PIL.Image.Resampling.BILINEAR)
    turned = PIL.ImageOps.mirror(turned) if rng.random() < 0.5 else turned
    if count == 1:
        side = int(rng.integers(30, 59))
        places = [(int(rng.integers(0, SIDE - side + 1)), int(rng.integers(0, SIDE - side + 1)), side)]
    else:
        places = spots(count, rng)
    for left, top, side in places:
        small = turned.resize((side, side), PIL.Image.Resampling.BOX, reducing_gap=None)
        picture.paste(small, (left, top), small)
        cover.paste(small.getchannel("A"), (left, top))
    store.add(picture, np.asarray(cover), Facts("emoji", thing.name, "", colour, thing.kind, count))


def add_numeral(store: Store, rng: np.random.Generator) -> None:
    """Print one numeral in a colour: numerals are to be met elsewhere than in handwriting."""
    import numpy as np
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    value, colour = int(rng.integers(10)), str(rng.choice(list(INKS)))
    picture, background = behind_shapes(colour, rng)
    if rng.random() < 0.4:
        colour, background = "white", "black"
        picture = PIL.Image.new("RGB", (SIDE, SIDE))
    cover = PIL.Image.new("L", (SIDE, SIDE))
    across, down = (int(level) for level in rng.integers(24, 41, 2))
    font = PIL.ImageFont.load_default(float(rng.integers(30, 62)))
    pen = PIL.ImageDraw.Draw(cover)
    pen.text(
        (across, down), str(value), fill=255, font=font, anchor="mm", stroke_width=int(rng.integers(0, 3))
    )
    cover = cover.rotate(float(rng.uniform(-14, 14)), PIL.Image.Resampling.BICUBIC)
    picture.paste(INKS[colour], (0, 0), cover)
    store.add(picture, np.asarray(cover), Facts("printed", NUMBER_WORDS[value], colour, background, "number"))


def add_photograph(store: Store, pixels: NDArray[np.uint8], facts: Facts, turn: float, zoom: float) -> None:
    """Enlarge one small photograph, slightly turned and zoomed."""
    import numpy as np
    import PIL.Image

    picture = enlarge(pixels)
    if turn or zoom != 1:
        edge = round(SIDE * zoom)
        picture = picture.rotate(turn, PIL.Image.Resampling.BICUBIC).resize((edge, edge))
        cut = (edge - SIDE) // 2
        picture = picture.crop((cut, cut, cut + SIDE, cut + SIDE))
    grey = np.asarray(picture.convert("L"))
    store.add(picture, np.where(grey > 24, 255, 0).astype(np.uint8), facts)


def draw(sources: Sources, sizes: dict[str, int], rng: np.random.Generator) -> Store:
    """Draw the store: `sizes` says how many of each domain; one drawing in five shows several things."""
    store = Store()
    art = {thing.unicode_name: sources.emoji(thing.unicode_name).resize((96, 96)) for thing in THINGS}
    for domain, add in (("shapes", add_shape), ("emoji", _with_art(art))):
        for _ in range(sizes[domain]):
            add(store, int(rng.integers(2, 10)) if rng.random() < 0.2 else 1, rng)
    images, labels = sources.fashion("train")
    used = set(garments.chosen(sources, "train", 4000))
    free = [n for n in range(len(labels)) if n not in used]
    for number in rng.permutation(free)[: sizes["garments"]]:
        add_photograph(store, images[number], Facts("garments", garments.CLASSES[labels[number]]), 0.0, 1.0)
    images, labels = sources.digits()
    used = set(digits.chosen(sources))
    free = [n for n in range(len(labels)) if n not in used]
    for number in rng.choice(free, sizes["digits"]):
        facts = Facts("digits", NUMBER_WORDS[labels[number]])
        turn, zoom = float(rng.uniform(-9, 9)), float(rng.uniform(0.85, 1.15))
        add_photograph(store, images[number], facts, turn, zoom)
    for _ in range(sizes["printed"]):
        add_numeral(store, rng)
    return store


def _with_art(art: dict[str, Image]) -> Callable[[Store, int, np.random.Generator], None]:
    return lambda store, count, rng: add_thing(store, count, art, rng)


def suite_pixels(data: Path) -> set[bytes]:
    """Return the digests of all the suite's pictures, train and test."""
    import pandas as pd
    from PIL import Image

    frames = [pd.read_parquet(path) for path in sorted(data.glob("*/*.parquet"))]
    pictures = (Image.open(io.BytesIO(data)).convert("RGB") for frame in frames for data in frame["image"])
    return {hashlib.sha256(picture.tobytes()).digest() for picture in pictures}


def without(store: Store, banned: set[bytes]) -> Store:
    """Drop the pictures whose pixels are banned."""
    keep = [
        n for n, pixels in enumerate(store.pixels) if hashlib.sha256(pixels.tobytes()).digest() not in banned
    ]
    return replace(
        store,
        pixels=[store.pixels[n] for n in keep],
        objects=[store.objects[n] for n in keep],
        colours=[store.colours[n] for n in keep],
        facts=[store.facts[n] for n in keep],
    )
