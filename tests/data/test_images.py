"""Any picture becomes RGB or an error that names it."""

import numpy as np
import pytest
from PIL import Image

from cvit_bench.data.images import MAX_PIXELS, open_picture
from cvit_bench.errors import CvitBenchError
from cvit_bench.records.sample import Picture

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def opened(data):
    image = open_picture(Picture("here.png", data))
    assert image.mode == "RGB"
    return image


def complaint(data):
    with pytest.raises(CvitBenchError) as caught:
        open_picture(Picture("here.png", data))
    return str(caught.value)


@pytest.fixture
def noise():
    """A picture whose file is long enough to be cut."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_a_lossless_picture_keeps_every_pixel(encoded, noise, kind):
    np.testing.assert_array_equal(np.asarray(opened(encoded(noise, kind))), np.asarray(noise))


def test_transparency_lies_on_white(encoded):
    image = Image.new("RGBA", (2, 1), (*RED, 0))
    image.putpixel((1, 0), (*RED, 255))
    found = opened(encoded(image))
    assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == (WHITE, RED)


def test_half_transparency_is_mixed_with_white(encoded):
    assert opened(encoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))).getpixel((0, 0)) == (127, 127, 127)


def test_a_palette_becomes_its_colours(encoded):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    found = opened(encoded(image))
    assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == (RED, BLUE)


def test_a_palette_with_a_transparent_colour_lies_on_white(encoded):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    found = opened(encoded(image, transparency=0))
    assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == (WHITE, BLUE)


def test_a_transparent_colour_of_an_rgb_picture_lies_on_white(encoded):
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), BLUE)
    found = opened(encoded(image, transparency=RED))
    assert (found.getpixel((0, 0)), found.getpixel((1, 0))) == (WHITE, BLUE)


def test_grey_and_black_and_white_become_rgb(encoded):
    assert opened(encoded(Image.new("L", (1, 1), 77))).getpixel((0, 0)) == (77, 77, 77)
    assert opened(encoded(Image.new("1", (1, 1), 1))).getpixel((0, 0)) == WHITE
    assert opened(encoded(Image.new("LA", (1, 1), (77, 0)))).getpixel((0, 0)) == WHITE


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_keep_their_order_and_range(encoded, kind):
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    found = np.asarray(opened(encoded(Image.fromarray(ramp), kind)))[..., 0]
    np.testing.assert_array_equal(found, np.arange(256).reshape(16, 16))


def test_a_cmyk_jpeg_has_its_colours(encoded):
    image = Image.new("RGB", (16, 16), RED).convert("CMYK")
    pixel = opened(encoded(image, "JPEG", quality=95)).getpixel((8, 8))
    assert pixel[0] > 230
    assert max(pixel[1:]) < 30


def test_of_an_animation_the_first_frame_is_taken(encoded):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    assert opened(data).getpixel((0, 0)) == RED


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"this is text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"],
    ids=["empty", "zeros", "text", "svg", "png signature alone"],
)
def test_what_is_no_picture_is_an_error(data):
    assert complaint(data).startswith("here.png: image cannot be read (")


def test_a_picture_that_another_program_would_decode_is_an_error(encoded, noise):
    data = encoded(noise, "EPS")
    assert data.startswith(b"%!PS")
    assert complaint(data).startswith("here.png: image cannot be read (cannot identify image file")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_a_truncated_picture_is_an_error(encoded, noise, kind, share):
    data = encoded(noise, kind)
    assert complaint(data[: int(len(data) * share)]).startswith("here.png: image cannot be read (")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_damaged_picture_is_a_picture_or_an_error_never_a_crash(encoded, noise, kind):
    data = encoded(noise, kind)
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for at in random.integers(0, min(len(data), 300), 6):
            damaged[at] = random.integers(256)
        try:
            open_picture(Picture("here.png", bytes(damaged)))
        except CvitBenchError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize(("word", "value"), [(23, "inf"), (26, "inf"), (26, "1")])
def test_whatever_a_decoder_raises_names_the_picture(encoded, word, value):
    """Numbers of a header that make Pillow raise OverflowError and AttributeError."""
    data = bytearray(encoded(Image.new("F", (17, 13)), "SPIDER"))
    data[4 * word : 4 * word + 4] = np.float32(value).tobytes()
    assert complaint(bytes(data)).startswith("here.png: image cannot be read (")


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(encoded):
    assert encoded(Image.new("1", (1, 1)), "PPM").startswith(b"P4\n1 1\n")
    side = int(MAX_PIXELS**0.5)
    for width, height in ((side + 1, side + 1), (10_000, 10_000), (100_000, 100_000)):
        bomb = f"P4\n{width} {height}\n".encode() + b"\0"
        message = complaint(bomb)
        assert message.startswith("here.png: image")
        assert "large" in message or "exceeds limit" in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CvitBenchError, match=r"none\.png: image cannot be read \(No such file"):
        open_picture(Picture(str(tmp_path / "none.png")))
