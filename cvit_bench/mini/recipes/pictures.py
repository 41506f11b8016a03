"""Drawing and encoding: upscaled photographs, objects on canvases, PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.objects import COLOURS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from cvit_bench.mini.recipes.objects import Art

SIDE = 64
PALE = 228
INKS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
    "yellow": (255, 255, 0),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "brown": (165, 42, 42),
    "teal": (0, 128, 128),
}
"""The colours of easy-VQA's figures, which our own figures share."""


@dataclass(frozen=True)
class Mark:
    """What stands where: a name and how opaque it is at every pixel (an image of levels, 64 × 64)."""

    name: str
    cover: Image

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of what is at least half opaque."""
        return self.cover.point([0] * 128 + [255] * 128).getbbox() or (0, 0, 0, 0)


def png(image: Image) -> bytes:
    """Encode an RGB picture as PNG bytes."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def rounded(image: Image) -> Image:
    """Round levels to steps of four: not visible, and the file is a third smaller."""
    return image.convert("RGB").point([level // 4 * 4 for level in range(256)] * 3)


def enlarge(pixels: NDArray[np.uint8]) -> Image:
    """Turn a small grey picture into a 64 px RGB one."""
    import PIL.Image

    grey = PIL.Image.fromarray(pixels).resize((SIDE, SIDE), PIL.Image.Resampling.BICUBIC)
    return rounded(grey.convert("RGB"))


def canvas(colour: str, rng: np.random.Generator) -> Image:
    """Return a canvas of the named colour, jittered, plain or with a soft vertical gradient."""
    import numpy as np
    import PIL.Image

    base = np.array(COLOURS[colour], float) + rng.uniform(-10, 10, 3)
    slope = rng.uniform(-22, 22) if rng.random() < 0.6 else 0.0
    ramp = np.linspace(-slope, slope, SIDE)[:, None, None]
    pixels = np.broadcast_to(base + ramp, (SIDE, SIDE, 3))
    return PIL.Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def pale(rng: np.random.Generator) -> Image:
    """Return a plain canvas of a nearly white colour."""
    import PIL.Image

    return PIL.Image.new("RGB", (SIDE, SIDE), tuple(int(level) for level in rng.integers(PALE, 256, 3)))


def ink(colour: str, rng: np.random.Generator) -> tuple[int, ...]:
    """Return the named colour of a figure, jittered."""
    return tuple(max(0, min(255, level + int(rng.integers(-12, 13)))) for level in INKS[colour])


def place(background: Image, thing: Image, rng: np.random.Generator) -> None:
    """Paste the thing on the canvas at a drawn size, turn, flip and place."""
    import PIL.Image
    import PIL.ImageOps

    side = int(rng.integers(34, 55))
    turned = thing.rotate(float(rng.uniform(-12, 12)), PIL.Image.Resampling.BICUBIC)
    turned = PIL.ImageOps.mirror(turned) if rng.random() < 0.5 else turned
    small = turned.resize((side, side), PIL.Image.Resampling.LANCZOS)
    left, top = (int(corner) for corner in rng.integers(0, SIDE - side + 1, 2))
    background.paste(small, (left, top), small)


def put(
    background: Image, name: str, thing: Image, spot: tuple[int, int, int], rng: np.random.Generator
) -> Mark:
    """Paste the thing with its left upper corner at a spot (left, top, side), turned and flipped a little."""
    import PIL.Image
    import PIL.ImageOps

    left, top, side = spot
    turned = thing.rotate(float(rng.uniform(-10, 10)), PIL.Image.Resampling.BILINEAR)
    turned = PIL.ImageOps.mirror(turned) if rng.random() < 0.5 else turned
    small = turned.resize((side, side), PIL.Image.Resampling.BOX)
    cover = PIL.Image.new("L", background.size)
    cover.paste(small.getchannel("A"), (left, top))
    background.paste(small, (left, top), small)
    return Mark(name, cover)


def put_all(
    background: Image,
    names: Sequence[str],
    art: Art,
    spots: Sequence[tuple[int, int, int]],
    rng: np.random.Generator,
) -> list[Mark]:
    """Paste one thing on every spot, in order."""
    return [put(background, name, art[name], spot, rng) for name, spot in zip(names, spots, strict=True)]
