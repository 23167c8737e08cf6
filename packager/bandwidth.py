"""Bit rates measured from the bytes, as players expect them to be declared.

A declared rate is what a player plans with, so it is measured on segments as they lie in the file (Apple HLS Authoring
Specification 1.26 and 1.27; RFC 8216bis, 4.4.6.2; ISO/IEC 23009-1, 5.3.5.4).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from packager.index import Segment, Track


@dataclass(frozen=True)
class Bandwidth:
    """Rates in bits per second, rounded up: of the whole, and of the busiest stretch."""

    average: int
    peak: int

    def __add__(self, other: Self) -> "Bandwidth":
        return Bandwidth(self.average + other.average, self.peak + other.peak)


SILENCE = Bandwidth(0, 0)


def measure(segments: Sequence[Segment], timescale: int, target_duration: int) -> Bandwidth:
    """The rates of a media playlist.

    The peak is the highest rate of any run of segments that lasts between 0.5 and 1.5 target durations (RFC 8216bis,
    4.4.6.2, "peak segment bit rate"); of a title that is shorter than that, its average.
    """
    average = _rate(sum(segment.size for segment in segments), sum(segment.duration for segment in segments), timescale)
    shortest, longest = target_duration * timescale / 2, target_duration * timescale * 3 / 2
    runs = (run for first in range(len(segments)) for run in _runs(segments, first, longest))
    peaks = (_rate(size, duration, timescale) for size, duration in runs if duration >= shortest)
    return Bandwidth(average, max(peaks, default=average))


def _runs(segments: Sequence[Segment], first: int, longest: float) -> Iterator[tuple[int, int]]:
    """Size and duration of every run that starts with segment `first` and lasts at most `longest` ticks."""
    size = duration = 0
    for number in range(first, len(segments)):
        size += segments[number].size
        duration += segments[number].duration
        if duration > longest:
            return
        yield size, duration


def _rate(size: int, duration: int, timescale: int) -> int:
    return -(-size * 8 * timescale // duration)


def largest(bandwidths: Iterable[Bandwidth]) -> Bandwidth:
    """The highest average and the highest peak: what a player that may pick any of them must expect."""
    measured = list(bandwidths) or [SILENCE]
    return Bandwidth(max(each.average for each in measured), max(each.peak for each in measured))


def keyframes(track: Track) -> list[Segment]:
    """The keyframes of a video track, each as a segment that lasts as long as its GOP."""
    return [Segment(*each) for each in zip(track.offsets, track.keyframe_sizes, track.durations, strict=False)]


def buffer_time(segments: Sequence[Segment], timescale: int, bandwidth: int) -> Fraction:
    """Seconds of delay with which a track that arrives at `bandwidth` plays without a stall, from any segment on.

    This is the model of @minBufferTime (ISO/IEC 23009-1, 5.3.1.2), in its strict form: a whole segment must have
    arrived when its first sample is due.
    """
    late = worst = 0
    for segment in segments:
        late = max(0, late) + segment.size * 8 * timescale
        worst = max(worst, late)
        late -= segment.duration * bandwidth
    return Fraction(worst, bandwidth * timescale)
