"""Blur: objects that no train task shows, in spoilt pictures; some of them cannot be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.objects import COLOURS, OTHER, Art
from cvit_bench.mini.recipes.pictures import SIDE, Mark, canvas, png, put, rounded
from cvit_bench.mini.recipes.rows import Row, spread
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

UNANSWERABLE = "unanswerable"
QUESTIONS = [
    "What is this? Say unanswerable if it cannot be seen.",
    "Which object is in the photo? It is unanswerable where nothing can be made out.",
    "What can be seen here, if it is not unanswerable?",
]
SEED = 24


def spoil(picture: Image, wholly: bool, rng: np.random.Generator) -> Image:
    """Blur a picture, make it coarse, noisy or dark; wholly: so that nothing can be told."""
    import numpy as np
    import PIL.Image
    import PIL.ImageFilter

    way = int(rng.integers(4))
    if wholly:
        picture = picture.filter(PIL.ImageFilter.GaussianBlur(float(rng.uniform(16, 24))))
    if way == 0:
        return picture.filter(PIL.ImageFilter.GaussianBlur(float(rng.uniform(1.0, 2.2))))
    if way == 1:
        small = picture.resize((int(rng.integers(18, 27)),) * 2, PIL.Image.Resampling.BOX)
        return small.resize((SIDE, SIDE), PIL.Image.Resampling.NEAREST)
    levels = np.asarray(picture, np.float64)
    if way == 2:
        levels = levels + rng.normal(0, rng.uniform(20, 40), levels.shape)
    else:
        levels = levels * rng.uniform(0.3, 0.5) + rng.normal(0, 4, levels.shape)
    return PIL.Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def photo(name: str, art: Art, wholly: bool, rng: np.random.Generator) -> tuple[Image, Mark]:
    """Draw one object on a canvas, often cut by the edge, and spoil the picture."""
    picture = canvas(str(rng.choice(list(COLOURS))), rng)
    side = int(rng.integers(38, 61))
    left, top = (int(corner) for corner in rng.integers(-8, SIDE - side + 9, 2))
    mark = put(picture, name, art[name], (left, top, side), rng)
    return spoil(picture, wholly, rng), mark


def rows(sources: Sources, split: str, count: int) -> list[Row]:
    """Make one split: every fifth picture cannot be answered."""
    import numpy as np

    rng = np.random.default_rng([SEED, split == "test"])
    art = Art(sources)
    made = []
    for number, name in enumerate(spread([thing.name for thing in OTHER], count, rng)):
        wholly = number % 5 == 4
        picture, _ = photo(name, art, wholly, rng)
        answer = UNANSWERABLE if wholly else name
        question = QUESTIONS[number % len(QUESTIONS)]
        made.append(Row(f"blur-{split}-{number:05d}", png(rounded(picture)), question, [answer]))
    return made
