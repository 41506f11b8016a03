"""Open encoded images of unknown origin: bounded in size, always RGB."""

import io
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
_GREY, _SIDE = 128, 64


@lru_cache(maxsize=1)
def blank_picture() -> Picture:
    """Return a mid-grey picture, on which nothing can be seen."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), (_GREY, _GREY, _GREY)).save(stream, "PNG")
    return Picture("blank", stream.getvalue())


def open_picture(picture: Picture) -> "Image":
    """Decode a picture to RGB (first frame, on white, 16 bits to 8); raise when it cannot be read."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow's remarks on damaged metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture.read())) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise CvitBenchError(
                        f"{picture.place}: image: {image.width} × {image.height} is too large"
                    )
                return _on_white(image)
    except (
        OSError,
        ValueError,
        RuntimeError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
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
