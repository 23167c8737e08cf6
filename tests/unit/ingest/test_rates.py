"""A title's frame rate is a standard one, near that of its source."""

from fractions import Fraction

import pytest

from ingest.rates import nearest_rate

FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("measured", "declared", "rate"),
    [
        (Fraction(25), None, 25),
        (Fraction(2398, 100), None, FILM),
        (Fraction(24), FILM, FILM),
        (Fraction(2985, 100), None, NTSC),
        (Fraction(27), Fraction(90000), 25),
        (Fraction(120), None, 60),
        (Fraction(100), None, 50),
        (Fraction(144), None, 48),
        (Fraction(70), None, 60),
        (Fraction(3), None, 10),
    ],
)
def test_nearest_standard_rate(measured: Fraction, declared: Fraction | None, rate: Fraction) -> None:
    assert nearest_rate(measured, declared) == rate
