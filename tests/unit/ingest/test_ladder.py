"""The ladder: rungs are lines of a 16:9 frame, nothing is enlarged, the aspect is kept."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ladder import ladder, source_lines

HEIGHTS = (1080, 720, 540, 360, 234)


def sizes(width: float, height: float, rate: int = 25) -> list[tuple[int, int, int]]:
    rungs = ladder((Fraction(width), Fraction(height)), HEIGHTS, Fraction(rate))
    return [(rung.lines, rung.width, rung.height) for rung in rungs]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((1920, 1080), [(1080, 1920, 1080), (720, 1280, 720), (540, 960, 540), (360, 640, 360), (234, 416, 234)]),
        ((3840, 2160), [(1080, 1920, 1080), (720, 1280, 720), (540, 960, 540), (360, 640, 360), (234, 416, 234)]),
        ((1920, 804), [(1080, 1920, 804), (720, 1280, 536), (540, 960, 402), (360, 640, 268), (234, 416, 174)]),
        ((1080, 1920), [(1080, 1080, 1920), (720, 720, 1280), (540, 540, 960), (360, 360, 640), (234, 234, 416)]),
        ((640, 272), [(360, 640, 272), (234, 416, 176)]),
        ((640, 480), [(480, 640, 480), (360, 480, 360), (234, 312, 234)]),
        ((176, 144), [(144, 176, 144)]),
    ],
)
def test_rungs_fit_the_frame_of_their_lines(source: tuple[int, int], expected: list[tuple[int, int, int]]) -> None:
    assert sizes(*source) == expected


@given(st.integers(160, 8000), st.integers(160, 4320))
def test_sizes_are_even_never_above_the_source_and_true_to_its_aspect(width: int, height: int) -> None:
    for lines, wide, tall in sizes(width, height):
        assert wide % 2 == tall % 2 == 0
        assert wide <= width
        assert tall <= height
        assert lines <= source_lines((Fraction(width), Fraction(height)))
        if min(wide, tall) >= 200:  # one pixel is 0.5 %
            assert abs(Fraction(wide * height, tall * width) - 1) <= Fraction(1, 200)


@given(st.integers(16, 8000), st.integers(16, 4320))
def test_every_source_gets_a_ladder_that_descends(width: int, height: int) -> None:
    found = sizes(width, height)
    assert found
    assert all(one > other for one, other in pairwise(found))


def test_faster_pictures_may_take_more_bits() -> None:
    slow, fast = (ladder((Fraction(1920), Fraction(1080)), HEIGHTS, Fraction(rate))[0] for rate in (30, 60))
    assert (slow.max_kbps, fast.max_kbps) == (6000, 9000)


def test_very_small_pictures_keep_bits_enough_for_their_grain() -> None:
    assert ladder((Fraction(96), Fraction(64)), HEIGHTS, Fraction(25))[0].max_kbps == 300
