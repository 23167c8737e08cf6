"""What probing learns of a source: facts, in exact numbers, that planning and encoding go by.

All times are seconds on the clock of the container, as fractions; the film begins when its first picture is shown.
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Container = Literal["mov", "matroska", "mpegts", "avi", "mxf"]
Rotation = Literal[0, 90, 180, 270]
Transfer = Literal["sdr", "pq", "hlg"]
Matrix = Literal["bt709", "bt601", "bt2020"]
OUTLASTING = Fraction(1, 2)
"""Seconds by which sounds end later than the pictures in films that are cut everywhere at the same time."""
Language = Annotated[str, Field(pattern=r"^[a-z]{3}$")]


class Facts(BaseModel):
    """A value that cannot change, and that JSON carries without loss."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(Facts):
    """The video stream of a source.

    `width` and `height` are of the coded frame, before `sample_aspect` and `rotation` (degrees clockwise that set it
    upright). `keyframes` are times from which decoding can start, thinned to some per second; `frames` counts those
    that are shown. `timed` is false where the container keeps no presentation times (AVI): pictures then go by number.
    """

    stream: int
    codec: str
    width: int
    height: int
    sample_aspect: Fraction
    rotation: Rotation
    interlaced: bool
    bit_depth: int
    transfer: Transfer
    matrix: Matrix
    full_range: bool
    frame_rate: Fraction
    timed: bool
    start: Fraction
    duration: Fraction
    frames: int
    keyframes: tuple[Fraction, ...]

    @property
    def display_size(self) -> tuple[Fraction, Fraction]:
        """Width and height as a viewer sees them: square pixels, upright."""
        width, height = self.width * self.sample_aspect, Fraction(self.height)
        return (height, width) if self.rotation in {90, 270} else (width, height)


class Sound(Facts):
    """An audio stream of a source; `language` is an ISO 639-2 code, `und` when the container names none.

    `ends` is when it is heard last.
    """

    stream: int
    codec: str
    language: Language
    channels: int
    layout: str
    default: bool
    ends: Fraction


class Source(Facts):
    """A film that ingest takes."""

    container: Container
    picture: Picture
    sounds: tuple[Sound, ...]

    @property
    def duration(self) -> Fraction:
        """Length in seconds, from the first picture to the end of the last, or of a sound that goes on after it."""
        longest = max((sound.ends - self.picture.start for sound in self.sounds), default=Fraction(0))
        return longest if longest > self.picture.duration + OUTLASTING else self.picture.duration
