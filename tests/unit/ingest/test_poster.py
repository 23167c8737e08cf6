"""The poster: rich and sharp frames win over dark, blank and blurred ones."""

import numpy as np
from PIL import Image, ImageFilter

from ingest.poster import score


def scene() -> Image.Image:
    random = np.random.default_rng(1)
    blocks = random.integers(0, 255, (18, 32, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((320, 180), Image.Resampling.NEAREST)


def test_a_black_frame_loses() -> None:
    assert score(scene()) > score(Image.new("RGB", (320, 180)))


def test_a_white_frame_loses() -> None:
    assert score(scene()) > score(Image.new("RGB", (320, 180), "white"))


def test_a_dim_frame_loses() -> None:
    assert score(scene()) > score(scene().point(lambda value: value / 8))


def test_a_blurred_frame_loses() -> None:
    assert score(scene()) > score(scene().filter(ImageFilter.GaussianBlur(8)))


def test_a_grey_frame_loses() -> None:
    assert score(scene()) > score(scene().convert("L").convert("RGB"))
