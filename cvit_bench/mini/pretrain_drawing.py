"""Drawing pre-training pictures: our own shapes and numerals, emoji on canvases, enlarged photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_store import INKS, SHAPES, THINGS, Facts, Store
from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes.objects import COLOURS
from cvit_bench.mini.recipes.pictures import SIDE, canvas, enlarge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


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
