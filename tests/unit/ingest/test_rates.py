"""A title's frame rate is a standard one, near that of its source."""

from fractions import Fraction

import pytest

from ingest.rates import nearest_rate, source_rate

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("measured", "rate"),
    [
        (Fraction(25), 25),
        (Fraction(2398, 100), FILM),
        (Fraction(2985, 100), NTSC),
        (Fraction(27), 25),
        (Fraction(120), 60),
        (Fraction(100), 50),
        (Fraction(144), 48),
        (Fraction(70), 60),
        (Fraction(3), 10),
    ],
)
def test_nearest_standard_rate(measured: Fraction, rate: Fraction) -> None:
    assert nearest_rate(measured) == rate


def test_what_the_container_declares_tells_neighbours_apart() -> None:
    assert source_rate(Fraction(24), declared=FILM) == FILM


def test_what_the_container_declares_wrongly_is_not_believed() -> None:
    assert source_rate(Fraction(27), declared=Fraction(90000)) == 27


def test_a_single_picture_lasts_as_long_as_the_container_says() -> None:
    assert source_rate(None, declared=NTSC) == NTSC
    assert source_rate(None, declared=None) == 25
