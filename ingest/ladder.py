"""The ladder: which renditions a film gets, and how many bits each may take.

A rung is named by the lines of the 16:9 frame that its pictures fit into: at rung 1080 a film in 2.39:1 is 1920 wide
and 804 high, and an upright one fits the same frame set on end. Pixels are square, sizes even, nothing is enlarged.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from ingest.source import Facts

FRAME_ASPECT = Fraction(16, 9)
LEAST_SIDE = 16
FAITHFUL = Fraction(1, 200)  # aspect error
BETWEEN = Fraction(11, 10)
REFERENCE_LINES, REFERENCE_KBPS = 1080, 6000
BITS_PER_LINES = 1.6  # exponent: Apple's authoring rules go from 6000 kb/s at 1080 lines to 2000 at 540
FAST_RATE, FAST_BITS = 30, 1.5
LEAST_KBPS = 300  # very small pictures: less would leave nothing of grain, and saves nobody anything
BUFFER_SECONDS = 1.5


class Rung(Facts):
    """One rendition: its rung, its pictures' size, and the limits of its bit rate (VBV, in kb/s and kb)."""

    lines: int
    width: int
    height: int
    max_kbps: int
    buffer_kb: int

    @property
    def name(self) -> str:
        """Name of its files, without the ending."""
        return str(self.lines)


def ladder(display_size: tuple[Fraction, Fraction], heights: Sequence[int], frame_rate: Fraction) -> tuple[Rung, ...]:
    """The rungs for pictures of this size, largest first, each smaller than the one before.

    Rungs above the source are left out. A source that lies well between two rungs, or below all, gets one of its own.
    """
    own = source_lines(display_size)
    fitting = sorted({height for height in heights if height <= own}, reverse=True)
    taller = [height for height in heights if height > own]
    if taller and (not fitting or own >= BETWEEN * fitting[0]):
        fitting.insert(0, int(own))
    rungs: list[Rung] = []
    for lines in fitting:
        width, height = rung_size(display_size, lines)
        if not rungs or (width < rungs[-1].width and height < rungs[-1].height):
            rungs.append(_rung(lines, width, height, frame_rate))
    return tuple(rungs)


def source_lines(display_size: tuple[Fraction, Fraction]) -> Fraction:
    """Lines of the smallest 16:9 frame, upright or on end, that holds the pictures."""
    longer, shorter = max(display_size), min(display_size)
    return max(shorter, longer / FRAME_ASPECT)


def rung_size(display_size: tuple[Fraction, Fraction], lines: int) -> tuple[int, int]:
    """Even width and height, not above the source and the frame, that keep the aspect best; larger ones win ties."""
    width, height = display_size
    scale = min(Fraction(1), lines / source_lines(display_size))
    sizes = []
    widest = max(LEAST_SIDE, _even_below(width * scale))
    narrowest = max(LEAST_SIDE, widest - 8 - 4 * ceil(width / height))
    for candidate in range(widest, narrowest - 1, -2):
        tall = _even_near(candidate * height / width, _even_below(height * scale))
        sizes.append((abs(Fraction(candidate, tall) * height / width - 1), candidate, tall))
    faithful = [size for size in sizes if size[0] <= FAITHFUL]
    _, *best = faithful[0] if faithful else min(sizes)
    return best[0], best[1]


def _rung(lines: int, width: int, height: int, frame_rate: Fraction) -> Rung:
    faster = FAST_BITS if frame_rate > FAST_RATE else 1
    max_kbps = round(max(LEAST_KBPS, REFERENCE_KBPS * (lines / REFERENCE_LINES) ** BITS_PER_LINES) * faster)
    return Rung(lines=lines, width=width, height=height, max_kbps=max_kbps, buffer_kb=round(max_kbps * BUFFER_SECONDS))


def _even_below(length: Fraction) -> int:
    return int(length) // 2 * 2


def _even_near(length: Fraction, most: int) -> int:
    return max(LEAST_SIDE, min(most, round(length / 2) * 2))
