"""Pictures that publishers send, as JPEGs in the sizes that pages need. Pure; decodes what strangers made.

Only the decoders of three formats may look at it, and only after the size that its head declares was found small
enough. What is kept are pixels: upright, in sRGB, and nothing of the metadata.
"""

import io
from collections.abc import Sequence

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from matinee.errors import InvalidInput

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 40_000_000
LEAST_SIDE = 16
LONGEST_SIDE = 16_384
QUALITY = 85
BACKGROUND = (0, 0, 0)
"""Behind what is transparent; JPEG has no transparency."""


def sizes(data: bytes, widths: Sequence[int]) -> dict[int, bytes]:
    """The picture as JPEGs by their widths: those of `widths` that it fills, and its own when it fills none.

    Raises `InvalidInput` for anything that is not a whole picture within the limits.
    """
    try:
        picture = _decoded(data, max(widths))
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput("the picture is damaged") from error
    filled = [width for width in widths if width <= picture.width] or [picture.width]
    return {width: _jpeg(picture, width) for width in filled}


def _decoded(data: bytes, widest: int) -> Image.Image:
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise InvalidInput("the picture is none of JPEG, PNG and WebP") from error
    _check(image)
    image.draft("RGB", (widest, widest))  # a large JPEG is decoded at a fraction of its size
    image.load()
    upright = _in_eight_bits(ImageOps.exif_transpose(image))
    picture = _without_transparency(_in_srgb(upright))
    picture.info.clear()  # comments and profiles, which would be written again
    return picture


def _check(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise InvalidInput(f"the picture has more than {MOST_PIXELS // 10**6} million pixels, or a side over 16384")
    if min(width, height) < LEAST_SIDE:
        raise InvalidInput(f"the picture is smaller than {LEAST_SIDE}x{LEAST_SIDE}")


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, which Pillow would cut off at 255 rather than divide."""
    return image.point(lambda value: value / 256).convert("L") if image.mode.startswith("I;16") else image


def _in_srgb(image: Image.Image) -> Image.Image:
    """The colours that the picture's profile means; of a profile that cannot be read, its numbers."""
    profile, mode = image.info.get("icc_profile"), "RGBA" if image.has_transparency_data else "RGB"
    if image.mode == "CMYK" and not profile:
        return image.convert("RGB")
    if profile and image.mode in ("RGB", "RGBA", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError):
            return image.convert(mode)
        return converted if converted is not None else image
    return image.convert(mode)


def _without_transparency(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    opaque = Image.new("RGB", image.size, BACKGROUND)
    opaque.paste(image, mask=image.getchannel("A"))
    return opaque


def _jpeg(picture: Image.Image, width: int) -> bytes:
    height = max(1, round(picture.height * width / picture.width))
    written = io.BytesIO()
    resized = picture if width == picture.width else picture.resize((width, height), Image.Resampling.LANCZOS)
    resized.save(written, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return written.getvalue()
