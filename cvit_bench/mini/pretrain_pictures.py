"""Pictures for pre-training, drawn ahead into memory.

None is a picture of the suite: other photographs of the same sources, our own shapes, other seeds.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cvit_bench.mini import pretrain_drawing as drawing
from cvit_bench.mini.pretrain_drawing import Material
from cvit_bench.mini.pretrain_store import Store
from cvit_bench.mini.recipes import garments, maps, numbers
from cvit_bench.mini.recipes.objects import Art
from cvit_bench.mini.recipes.sources import Sources
from cvit_bench.mini.recipes.words import Type

if TYPE_CHECKING:
    import numpy as np

Add = Callable[[Store, Material, "np.random.Generator"], None]
DRAWN: dict[str, Add] = {
    "shapes": drawing.add_shape,
    "emoji": drawing.add_thing,
    "scene": drawing.add_scene,
    "garments": drawing.add_garment,
    "digits": drawing.add_digits,
    "printed": drawing.add_numeral,
    "words": drawing.add_word,
    "signs": drawing.add_sign,
    "maps": drawing.add_map,
    "blurred": drawing.add_blurred,
    "places": drawing.add_place,
}


def material(sources: Sources) -> Material:
    """Open the sources; photographs that the suite uses are left out."""
    images, labels = sources.fashion("train")
    used = set(garments.chosen(sources, "train", 4000))
    clothes = [n for n in range(len(labels)) if n not in used]
    written, values = sources.digits()
    used = {*numbers.reserve(sources), *numbers.chosen(sources, "test"), *numbers.chosen(sources, "train")}
    free = [n for n in range(len(values)) if n not in used]
    return Material(
        Art(sources),
        Type(sources),
        maps.Atlas(sources),
        (images[clothes], labels[clothes]),
        (written[free], values[free]),
    )


def draw(sources: Sources, sizes: dict[str, int], rng: np.random.Generator) -> Store:
    """Draw the store: `sizes` says how many of each domain, in their order."""
    store, made = Store(), material(sources)
    for domain, count in sizes.items():
        for _ in range(count):
            DRAWN[domain](store, made, rng)
    return store


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
