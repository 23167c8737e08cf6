"""The timeline of a title: which frames make a GOP, a segment, and where sound is cut (docs/standards.md).

All times are exact fractions of a second. Content begins at the lead-in T0 = two frame durations in every track:
pictures because their composition offsets are padded to it, sound because its encoder priming and silence fill it.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from matinee.errors import InvalidInput

AUDIO_RATE = 48_000
"""Samples of sound per second, in every audio track."""
AAC_FRAME = 1024
"""Samples of sound in one AAC frame (ISO/IEC 14496-3)."""
REORDER_FRAMES = 2
"""Frames by which a picture may be decoded ahead of its turn; the lead-in in frames."""
HIGHEST_FRAME_RATE = 60
MOST_SEGMENTS = 0xFFFF
"""What the 16-bit count of a `sidx` can hold."""


@dataclass(frozen=True)
class Timeline:
    """The frames of a title and how they are grouped.

    `gop_frames` and `segment_gops` are nominal: the last GOP and the last segment hold what is left. Raises
    `InvalidInput` for a frame rate above 60 or without a short exact form (a numerator of at most a million), and for
    counts below one.
    """

    frame_rate: Fraction
    frames: int
    gop_frames: int
    segment_gops: int

    def __post_init__(self) -> None:
        if not 0 < self.frame_rate <= HIGHEST_FRAME_RATE:
            raise InvalidInput(f"a title has at most {HIGHEST_FRAME_RATE} frames per second, not {self.frame_rate}")
        if self.frame_rate.numerator > 1_000_000:
            raise InvalidInput(f"the frame rate {self.frame_rate} has no short exact form")
        if min(self.frames, self.gop_frames, self.segment_gops) < 1:
            raise InvalidInput("a title has at least one frame, a GOP one frame, and a segment one GOP")
        if self.segments > MOST_SEGMENTS:
            raise InvalidInput(f"a title has at most {MOST_SEGMENTS} segments, not {self.segments}")

    @property
    def timescale(self) -> int:
        """Ticks per second of video tracks, in which a frame lasts a whole number of ticks."""
        return self.frame_rate.numerator * self._tick_factor

    @property
    def frame_ticks(self) -> int:
        """Duration of a frame, in ticks of `timescale`."""
        return self.frame_rate.denominator * self._tick_factor

    @property
    def _tick_factor(self) -> int:
        return 1000 if self.frame_rate.numerator < 1000 else 1

    @property
    def frame_duration(self) -> Fraction:
        """Duration of a frame, in seconds."""
        return 1 / self.frame_rate

    @property
    def lead_in(self) -> Fraction:
        """T0, the time at which content begins in every track, in seconds."""
        return REORDER_FRAMES * self.frame_duration

    @property
    def duration(self) -> Fraction:
        """Duration of the content, in seconds; the lead-in is not part of it."""
        return self.frames * self.frame_duration

    @property
    def gops(self) -> int:
        """Number of GOPs, and so of fragments in every track."""
        return -(-self.frames // self.gop_frames)

    @property
    def segments(self) -> int:
        """Number of segments in every track."""
        return -(-self.gops // self.segment_gops)

    @property
    def gop_lengths(self) -> tuple[int, ...]:
        """Frames of each GOP."""
        last = self.frames - (self.gops - 1) * self.gop_frames
        return (self.gop_frames,) * (self.gops - 1) + (last,)

    @cached_property
    def audio_cuts(self) -> tuple[int, ...]:
        """The AAC frame with which each audio fragment begins, and after them the number of AAC frames of the track.

        A fragment is cut at the first AAC frame that starts at or after the content of its GOP. The last holds at least
        one.
        """
        cuts = (0, *(self._aac_frames_before(gop * self.gop_frames) for gop in range(1, self.gops)))
        return (*cuts, max(self._aac_frames_before(self.frames), cuts[-1] + 1))

    def _aac_frames_before(self, frame: int) -> int:
        """AAC frames that start before a frame of the content is shown."""
        ticks = (REORDER_FRAMES + frame) * self.frame_ticks
        return -(-ticks * AUDIO_RATE // (self.timescale * AAC_FRAME))

    @property
    def audio_frames(self) -> int:
        """AAC frames of every audio track, priming and silence of the lead-in included."""
        return self.audio_cuts[-1]
