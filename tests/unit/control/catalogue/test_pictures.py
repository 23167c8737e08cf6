"""Pictures as strangers send them: decoded within limits, and kept without anything but their pixels."""

import io
import struct
import zlib

import pytest
from PIL import Image

from control.catalogue.pictures import sizes
from matinee.errors import InvalidInput

WIDTHS = (160, 320, 640)


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def halves(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that is red above and blue below."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (0, height // 2, width, height))
    return image.convert(mode)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def is_like(pixel: object, red: int, green: int, blue: int) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 40 for a, b in zip(pixel, (red, green, blue), strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_becomes_jpegs_of_every_width_that_it_fills(form: str) -> None:
    made = sizes(encoded(halves(400, 600), form), WIDTHS)
    assert {width: (opened(data).format, opened(data).size) for width, data in made.items()} == {
        160: ("JPEG", (160, 240)),
        320: ("JPEG", (320, 480)),
    }
    assert is_like(opened(made[320]).getpixel((160, 20)), 255, 0, 0)
    assert is_like(opened(made[320]).getpixel((160, 460)), 0, 0, 255)


def test_a_small_picture_is_not_enlarged() -> None:
    assert {width: opened(data).size for width, data in sizes(encoded(halves(90, 60)), WIDTHS).items()} == {
        90: (90, 60)
    }


def test_a_picture_that_says_how_it_was_held_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the right side is the top
    made = sizes(encoded(halves(640, 320), exif=exif), WIDTHS)
    upright = opened(made[320])
    assert upright.size == (320, 640)
    assert is_like(upright.getpixel((300, 320)), 255, 0, 0)


def test_nothing_of_the_metadata_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    data = encoded(halves(200, 200), exif=exif, comment=b"taken at home", dpi=(300, 300))
    assert b"taken at home" in data
    kept = sizes(data, WIDTHS)[160]
    assert b"taken at home" not in kept
    assert not dict(opened(kept).getexif())


def test_of_a_moving_picture_the_first_is_kept() -> None:
    data = encoded(Image.new("RGB", (200, 200), "red"), "WEBP", save_all=True, append_images=[halves(200, 200)])
    assert is_like(opened(sizes(data, WIDTHS)[160]).getpixel((80, 150)), 255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_mode_of_png_is_taken(mode: str) -> None:
    image = Image.new(mode, (200, 100)) if mode == "I;16" else halves(200, 100).convert(mode)
    assert opened(sizes(encoded(image, "PNG"), WIDTHS)[160]).mode == "RGB"


def test_a_grey_picture_of_16_bits_keeps_its_brightness() -> None:
    grey = Image.new("I;16", (160, 160), 0x8000)
    (made,) = sizes(encoded(grey, "PNG"), WIDTHS).values()
    assert is_like(opened(made).getpixel((80, 80)), 128, 128, 128)


def test_a_picture_for_print_is_taken() -> None:
    made = opened(sizes(encoded(halves(200, 200, "CMYK")), WIDTHS)[160])
    assert (made.mode, made.size) == ("RGB", (160, 160))


def bomb(width: int, height: int) -> bytes:
    """The head of a PNG that says it is that large, and hardly any data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": encoded(Image.new("P", (100, 100)), "GIF"),
    "bmp": encoded(Image.new("RGB", (100, 100)), "BMP"),
    "tiff": encoded(Image.new("RGB", (100, 100)), "TIFF"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
    "more pixels than allowed": bomb(8_000, 5_001),
    "a side that is too long": bomb(16_385, 20),
    "too small": encoded(Image.new("RGB", (15, 100))),
    "cut off in the middle": encoded(halves(400, 400))[:-400],
    "png cut off": encoded(halves(400, 400), "PNG")[:-80],
    "webp cut off": encoded(Image.effect_noise((400, 400), 50), "WEBP")[:-400],
    "less data than its head says": bomb(4_000, 4_000),
    "a head alone": encoded(halves(400, 400))[:30],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_whole_picture_within_the_limits_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="the picture"):
        sizes(HOSTILE[name], WIDTHS)


def test_a_bomb_is_refused_by_its_head_alone() -> None:
    with pytest.raises(InvalidInput, match="the picture"):
        sizes(bomb(60_000, 60_000), WIDTHS)
