"""Pictures for pre-training, drawn ahead into memory.

None is a picture of the suite: other photographs of the same sources, our own shapes, other canvases.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cvit_bench.mini.pretrain_drawing import add_numeral, add_photograph, add_shape, add_thing
from cvit_bench.mini.pretrain_store import THINGS, Facts, Store
from cvit_bench.mini.pretrain_words import NUMBER_WORDS
from cvit_bench.mini.recipes import digits, garments
from cvit_bench.mini.recipes.sources import Sources

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


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
