"""Frame rates. A title has one, from this list, whatever the times of its source's pictures were."""

from fractions import Fraction

FASTEST = Fraction(60)
STANDARD_RATES = (
    Fraction(10),
    Fraction(12),
    Fraction(15),
    Fraction(20),
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    FASTEST,
)
SAME = Fraction(1, 200)
USUAL = Fraction(25)


def source_rate(measured: Fraction | None, declared: Fraction | None) -> Fraction:
    """Frames per second of a source: as measured, unless the container declares nearly the same, more exactly.

    So 23.976 and 24, which a short clip cannot tell apart, are told apart.
    """
    if measured is None:
        return declared or USUAL
    return declared if declared and _apart(declared, measured) < SAME else measured


def nearest_rate(measured: Fraction) -> Fraction:
    """The standard rate for a source of `measured` frames per second, nearest in ratio.

    A source of more than 60 keeps every second, third or fourth picture, where that gives a standard rate.
    """
    if measured <= FASTEST:
        return _nearest(measured)
    thinned = ((_nearest(measured / every), measured / every) for every in (2, 3, 4))
    return next((rate for rate, wanted in thinned if _apart(rate, wanted) < SAME), FASTEST)


def _nearest(wanted: Fraction) -> Fraction:
    return min(STANDARD_RATES, key=lambda rate: max(rate / wanted, wanted / rate))


def _apart(one: Fraction, other: Fraction) -> Fraction:
    return abs(one / other - 1)
