"""Drawing pre-training pictures, one function a domain; each adds one picture to the store.

The suite's own recipes draw what looks like the suite, from other seeds; shapes, numerals and copies are
drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_store import INKS, SHAPES, THINGS, Facts, Store
from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes import blur, ground, maps, numbers, places, read, scene, signs
from cvit_bench.mini.recipes.garments import CLASSES
from cvit_bench.mini.recipes.objects import CAPTIONED, COLOURS, PLACES, Art
from cvit_bench.mini.recipes.pictures import SIDE, Mark, canvas, enlarge, put
from cvit_bench.mini.recipes.words import EXTRA, READ, SIGNS, Type

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

WORDS = [*READ, *SIGNS, *EXTRA]
ALL = [thing.name for thing in THINGS]
KINDS = {thing.name: thing.kind for thing in THINGS}


@dataclass(frozen=True)
class Material:
    """What is drawn with: objects, fonts, outlines, and photographs that the suite leaves alone."""

    art: Art
    type_: Type
    atlas: maps.Atlas
    garments: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    digits: tuple[NDArray[np.uint8], NDArray[np.uint8]]


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
    """Return (left, top, side) for `count` things that do not overlap, or one of any size."""
    if count == 1:
        side = int(rng.integers(9, 40))
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


def behind_figure(colour: str, rng: np.random.Generator) -> tuple[Image, str]:
    """Return a pale plain background, or a canvas of another colour than the figure's."""
    import PIL.Image

    if rng.random() < 0.65 and colour != "white":
        pale = tuple(int(level) for level in rng.integers(228, 256, 3))
        return PIL.Image.new("RGB", (SIDE, SIDE), pale), ""
    name = str(rng.choice([name for name in COLOURS if name != colour]))
    return canvas(name, rng), name


def copies(rng: np.random.Generator) -> int:
    """Return how many copies to draw: mostly one."""
    return int(rng.integers(2, 6)) if rng.random() < 0.2 else 1


def add_shape(store: Store, _: Material, rng: np.random.Generator) -> None:
    """Draw equal shapes in one colour."""
    import numpy as np
    import PIL.Image

    count = copies(rng)
    shape = str(rng.choice(SHAPES, p=[0.24, 0.24, 0.24, 0.1, 0.09, 0.09]))
    colour = str(rng.choice(list(INKS), p=[0.11] * 8 + [0.06] * 2))
    picture, background = behind_figure(colour, rng)
    ink = tuple(int(level) for level in np.clip(np.array(INKS[colour]) + rng.integers(-12, 13, 3), 0, 255))
    cover = PIL.Image.new("L", (SIDE, SIDE))
    stretch = float(np.exp(rng.uniform(-0.8, 0.8)))
    for left, top, side in spots(count, rng):
        mask = outline(shape, side, stretch)
        picture.paste(ink, (left, top), mask)
        cover.paste(mask, (left, top))
    mark = Mark(shape, cover)
    store.add(picture, [mark], Facts("shapes", shape, colour, background, "shape", count, box=mark.box))


def add_thing(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Place one emoji, or several copies of one, on a canvas."""
    count, name, colour = copies(rng), str(rng.choice(ALL)), str(rng.choice(list(COLOURS)))
    picture = canvas(colour, rng)
    side = int(rng.integers(22, 59))
    single = [(int(rng.integers(0, SIDE - side + 1)), int(rng.integers(0, SIDE - side + 1)), side)]
    marks = [
        put(picture, name, made.art[name], spot, rng)
        for spot in (single if count == 1 else spots(count, rng))
    ]
    facts = Facts("emoji", name, "", colour, KINDS[name], count, box=marks[0].box if count == 1 else None)
    store.add(picture, marks, facts)


def add_scene(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Draw two things in a row, up to four in the quarters, or two or three anywhere."""
    colour, way = str(rng.choice(list(COLOURS))), rng.random()
    pool = [thing.name for thing in CAPTIONED] if rng.random() < 0.7 else ALL
    names = [pool[n] for n in rng.permutation(len(pool))[:3]]
    if way < 0.6:
        across = bool(rng.random() < 0.5)
        picture, marks = scene.two(names[:2], made.art, colour, across, rng)
        facts = Facts("scene", names[0], "", colour, KINDS[names[0]], 1, (names[1],), True, across)
    elif way < 0.85:
        count = int(rng.integers(1, 5))
        others = (names[1],) * int(count < 4 and rng.random() < 0.5)
        picture, marks = scene.several([names[0]] * count + list(others), made.art, colour, rng)
        facts = Facts("scene", names[0], "", colour, KINDS[names[0]], count, others)
    else:
        shown = names[: int(rng.integers(2, 4))]
        picture, marks, colour = ground.crowd(shown, made.art, rng)
        facts = Facts("scene", names[0], "", colour, KINDS[names[0]], 1, tuple(shown[1:]))
    store.add(picture, marks, facts)


def add_numeral(store: Store, _: Material, rng: np.random.Generator) -> None:
    """Print a number of one or two digits: numerals are to be met elsewhere than in handwriting."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    value, colour = int(rng.integers(10 if rng.random() < 0.5 else 100)), str(rng.choice(list(INKS)))
    picture, background = behind_figure(colour, rng)
    if rng.random() < 0.4:
        colour, background = "white", "black"
        picture = PIL.Image.new("RGB", (SIDE, SIDE))
    text, marks = str(value), []
    whole = PIL.Image.new("L", (SIDE, SIDE))
    font = PIL.ImageFont.load_default(float(rng.integers(30, 62 if value < 10 else 44)))
    centre, turn = (float(rng.integers(26, 39)), float(rng.integers(24, 41))), float(rng.uniform(-12, 12))
    left, wide = centre[0] - font.getlength(text) / 2, int(rng.integers(0, 3))
    for place, digit in enumerate(text):
        cover = PIL.Image.new("L", (SIDE, SIDE))
        spot = (left + font.getlength(text[:place]), centre[1])
        PIL.ImageDraw.Draw(cover).text(spot, digit, fill=255, font=font, anchor="lm", stroke_width=wide)
        cover = cover.rotate(turn, PIL.Image.Resampling.BICUBIC)
        whole.paste(cover, (0, 0), cover)
        marks.append(Mark(NUMBER_WORDS[int(digit)], cover))
    picture.paste(INKS[colour], (0, 0), whole)
    store.add(picture, marks, Facts("printed", text, colour, background, "number"))


def add_garment(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Enlarge one photograph of a garment."""
    images, labels = made.garments
    number = int(rng.integers(len(labels)))
    picture = enlarge(images[number])
    name = CLASSES[labels[number]]
    store.add(picture, [Mark(name, _bright(picture))], Facts("garments", name))


def add_digits(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Enlarge one handwritten digit, slightly turned, or set two side by side."""
    import PIL.Image

    images, labels = made.digits
    picked = [int(n) for n in rng.integers(len(labels), size=1 if rng.random() < 0.6 else 2)]
    turned = [
        _array(PIL.Image.fromarray(images[n]).rotate(float(rng.uniform(-9, 9)), PIL.Image.Resampling.BICUBIC))
        for n in picked
    ]
    picture = numbers.written(turned, rng)
    cover, marks = _bright(picture), []
    for place, n in enumerate(picked):
        half = PIL.Image.new("L", (SIDE, SIDE))
        edges = (0, 0, SIDE, SIDE) if len(picked) == 1 else (place * 32, 0, place * 32 + 32, SIDE)
        half.paste(cover.crop(edges), edges[:2])
        marks.append(Mark(NUMBER_WORDS[labels[n]], half))
    store.add(picture, marks, Facts("digits", "".join(str(labels[n]) for n in picked)))


def add_word(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Set one word on a canvas."""
    word = str(rng.choice(WORDS))
    picture, marks, colour = read.board(word, made.type_, rng)
    store.add(picture, marks, Facts("words", "", "", colour, "word", text=word))


def add_sign(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Draw a thing beside a board with a word."""
    name, word = str(rng.choice(ALL)), str(rng.choice(WORDS))
    picture, marks, colour = signs.sign(name, word, made.art, made.type_, rng)
    store.add(picture, marks, Facts("signs", name, "", colour, KINDS[name], text=word))


def add_map(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Draw the outline of a country."""
    country, colour = str(rng.choice(maps.COUNTRIES)), str(rng.choice(list(INKS)[:8]))
    picture, mark = maps.chart(made.atlas, country, colour, rng)
    store.add(picture, [mark], Facts("maps", country, colour, kind="country"))


def add_blurred(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Draw one thing and spoil the picture; every fifth time nothing can be told."""
    name, wholly = str(rng.choice(ALL)), bool(rng.random() < 0.2)
    picture, mark = blur.photo(name, made.art, wholly, rng)
    cover = mark.cover.point([0] * 256) if wholly else mark.cover
    facts = Facts("blurred", blur.UNANSWERABLE if wholly else name, kind="" if wholly else KINDS[name])
    store.add(picture, [Mark(name, cover)], facts)


def add_place(store: Store, made: Material, rng: np.random.Generator) -> None:
    """Draw three things of one place."""
    name = str(rng.choice(list(PLACES)))
    picture, marks, colour = places.place(name, made.art, rng)
    store.add(picture, marks, Facts("places", name, "", colour, "place"))


def _bright(picture: Image) -> Image:
    return picture.convert("L").point([0] * 25 + [255] * 231)


def _array(image: Image) -> NDArray[np.uint8]:
    import numpy as np

    return np.asarray(image)
