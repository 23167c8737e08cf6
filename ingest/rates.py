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


def nearest_rate(measured: Fraction, declared: Fraction | None = None) -> Fraction:
    """The standard rate for a source of `measured` frames per second, nearest in ratio.

    What the container declares decides between neighbours such as 23.976 and 24, which a short clip cannot tell apart.
    A source of more than 60 keeps every second, third or fourth picture, where that gives a standard rate.
    """
    if declared in STANDARD_RATES and _apart(declared, measured) < SAME:
        return declared
    if measured <= FASTEST:
        return _nearest(measured)
    thinned = ((_nearest(measured / every), measured / every) for every in (2, 3, 4))
    return next((rate for rate, wanted in thinned if _apart(rate, wanted) < SAME), FASTEST)


def _nearest(wanted: Fraction) -> Fraction:
    return min(STANDARD_RATES, key=lambda rate: max(rate / wanted, wanted / rate))


def _apart(one: Fraction, other: Fraction) -> Fraction:
    return abs(one / other - 1)
