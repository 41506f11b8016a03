"""Drawing and encoding: upscaled photographs, objects on canvases, PNG bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cvit_bench.mini.recipes.objects import COLOURS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SIDE = 64


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


def place(
    background: Image, thing: Image, rng: np.random.Generator, smallest: int = 34, largest: int = 54
) -> tuple[int, int, int, int]:
    """Paste the thing on the canvas at a drawn size, turn, flip and place; return its box."""
    import PIL.Image
    import PIL.ImageOps

    side = int(rng.integers(smallest, largest + 1))
    turned = thing.rotate(float(rng.uniform(-12, 12)), PIL.Image.Resampling.BICUBIC)
    turned = PIL.ImageOps.mirror(turned) if rng.random() < 0.5 else turned
    small = turned.resize((side, side), PIL.Image.Resampling.LANCZOS)
    left, top = (int(corner) for corner in rng.integers(0, SIDE - side + 1, 2))
    background.paste(small, (left, top), small)
    return left, top, left + side, top + side
