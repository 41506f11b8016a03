"""Open encoded images of unknown origin: bounded in size, always RGB."""

import io
import struct
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TGA", "TIFF", "WEBP")
"""What pictures may be: raster files that Pillow decodes itself (PostScript would start Ghostscript)."""
CLIP_MEAN = (122, 116, 104)
"""CLIP's mean colour (.4815, .4578, .4082) in bytes, rounded down: what LLaVA pads with."""
_GREY, _SIDE = 128, 64
_DAMAGE = (
    OSError, ValueError, RuntimeError, SyntaxError, ArithmeticError, AttributeError, LookupError, TypeError,
    EOFError, struct.error,
)  # fmt: skip
"""What Pillow's decoders raise at a damaged file."""


@lru_cache(maxsize=1)
def blank_picture() -> Picture:
    """Return a mid-grey picture, on which nothing can be seen."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), (_GREY, _GREY, _GREY)).save(stream, "PNG")
    return Picture("blank", stream.getvalue())


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Return the formats that are read, of those that this Pillow has."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def open_picture(picture: Picture) -> "Image":
    """Decode a picture to RGB (first frame, on white, 16 bits to 8), padded if it asks for that.

    Raises CvitBenchError when it cannot be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow's remarks on damaged metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture.read()), formats=_formats()) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise CvitBenchError(
                        f"{picture.place}: image: {image.width} × {image.height} is too large"
                    )
                return _squared(_on_white(image)) if picture.fit == "pad" else _on_white(image)
    except (*_DAMAGE, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise CvitBenchError(f"{picture.place}: image cannot be read ({error})") from error


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 257).convert("RGB")
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _squared(image: "Image") -> "Image":
    """Put a picture into the middle of a square of the mean colour, as LLaVA does; half pixels are cut."""
    from PIL import Image

    side = max(image.size)
    if image.width == image.height:
        return image
    ground = Image.new("RGB", (side, side), CLIP_MEAN)
    ground.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return ground
