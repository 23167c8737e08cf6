"""Times of a film's pictures and sounds, gathered packet by packet, in the order of decoding."""

import heapq
from collections import Counter
from fractions import Fraction

from matinee.errors import SourceRefused

REORDERED = 32  # pictures that may be decoded ahead of their turn; H.264 and HEVC allow 16
KEYFRAME_SPACING = Fraction(1, 2)
ALIKE = Fraction(1, 4)
LEAP = Fraction(1)  # second


class Times:
    """When pictures are shown, in ticks of `time_base`; of `longest` seconds at most."""

    def __init__(self, time_base: Fraction, longest: float) -> None:
        self.time_base = time_base
        self.frames = 0
        self._longest = longest
        self._first = self._last = self._end = 0
        self._keyframes: list[int] = []
        self._waiting: list[int] = []
        self._shown: int | None = None
        self._intervals: Counter[int] = Counter()

    def add(self, shown: int, duration: int, *, keyframe: bool) -> None:
        """Count a picture. Raises `SourceRefused` for a film that is too long, or whose clock starts anew."""
        if self.frames == 0:
            self._first = self._last = shown
        self.frames += 1
        self._first = min(self._first, shown)
        if shown >= self._last:
            self._last, self._end = shown, shown + duration
        if keyframe and (not self._keyframes or shown >= self._keyframes[-1] + KEYFRAME_SPACING / self.time_base):
            self._keyframes.append(shown)
        self._order(shown)
        check_length((self._last - self._first) * self.time_base, self._longest)

    @property
    def start(self) -> Fraction:
        """When the first picture is shown, in seconds."""
        return self._first * self.time_base

    @property
    def duration(self) -> Fraction:
        """From the first picture to the end of the last, in seconds."""
        return (max(self._end, self._last) - self._first) * self.time_base

    @property
    def keyframes(self) -> tuple[Fraction, ...]:
        """When keyframes are shown, in seconds; two of each second at most."""
        return tuple(key * self.time_base for key in self._keyframes)

    def typical_rate(self) -> Fraction | None:
        """Frames per second where nothing is left out: the mean of all intervals like the median. None for one picture.

        The mean alone would take lost pictures for a slow film, and the median alone is as coarse as the clock.
        """
        while self._waiting:
            self._pass(heapq.heappop(self._waiting))
        if not self._intervals:
            return None
        ordered = sorted(self._intervals.elements())
        median = ordered[len(ordered) // 2]
        alike = [interval for interval in ordered if abs(interval - median) <= median * ALIKE]
        return len(alike) / (sum(alike) * self.time_base)

    def _order(self, shown: int) -> None:
        if self._shown is not None and shown < self._shown:
            raise SourceRefused(
                f"its clock jumps back after {float((self._last - self._first) * self.time_base):.1f} s"
            )
        heapq.heappush(self._waiting, shown)
        if len(self._waiting) > REORDERED:
            self._pass(heapq.heappop(self._waiting))

    def _pass(self, shown: int) -> None:
        if self._shown is not None and shown > self._shown:
            self._intervals[shown - self._shown] += 1
        self._shown = shown


class SoundEnd:
    """Where a sound ends, in ticks of `time_base`.

    A packet far behind the one before it counts only through those that follow it: alone it is damage, and the last
    picture would be held for as long.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._end: int | None = None
        self._previous: int | None = None

    def add(self, heard: int, duration: int) -> None:
        """Count a packet."""
        follows = self._previous is None or (heard - self._previous) * self._time_base <= LEAP
        self._previous = heard + duration
        if follows:
            self._end = max(self._previous, self._end or self._previous)

    @property
    def moment(self) -> Fraction | None:
        """When the sound ends, in seconds; None when there is none."""
        return None if self._end is None else self._end * self._time_base


def check_length(seconds: Fraction, longest: float) -> None:
    """Raise `SourceRefused` for a film that lasts longer than `longest` seconds."""
    if seconds > longest:
        raise SourceRefused(f"it is longer than the {longest / 3600:g} h that are taken")
