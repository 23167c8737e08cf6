"""The asset index: where every fragment of every track lies, and what the tracks are.

On disk it is a magic number, a version and a CRC-32, then zlib-compressed: a JSON head and, per track, three columns of
32-bit numbers (fragment sizes, durations, keyframe sizes), shuffled so that like bytes lie together. The same index is
always the same bytes.
"""

import json
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Literal, NamedTuple

from matinee.errors import DataLoss, InvalidInput
from packager.timeline import Timeline

MAGIC = b"MATINEEX"
VERSION = 1
PREFIX = struct.Struct(">8sHI")
"""Magic number, version, CRC-32 of everything after it."""
LARGEST_INDEX = 64 * 1024**2
"""Most bytes of an index when decompressed."""
TRACK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.mp4")
LANGUAGE = re.compile("[a-z]{3}")
COLUMN_NAMES = ("sizes", "durations", "keyframe_sizes")


class Segment(NamedTuple):
    """What a player asks for: where it lies in the file of its track, in bytes, and its duration in ticks."""

    offset: int
    size: int
    duration: int


def whole_seconds(segments: Sequence[Segment], timescale: int) -> int:
    """The longest segment, rounded to whole seconds, at least one: a target duration (RFC 8216bis, 4.4.3.1)."""
    return max(1, (2 * max(segment.duration for segment in segments) + timescale) // (2 * timescale))


@dataclass(frozen=True)
class Track:
    """One CMAF file: a header of `init_size` bytes, one `sidx` of `sidx_size` bytes, and fragments until the end.

    Columns have one entry per fragment: size in bytes, duration in ticks of `timescale`, and for video the bytes of
    `moof` and keyframe together. Video has a size in pixels and the `rung` that plans limit: the lines of the 16:9
    frame that it was made for. Sound has a language (ISO 639-2), a label for people and a number of channels. Raises
    `InvalidInput` for a name that is no plain file name, and for a label that a playlist cannot hold.
    """

    name: str
    kind: Literal["video", "audio"]
    codecs: str
    timescale: int
    init_size: int = 0
    sidx_size: int = 0
    sizes: tuple[int, ...] = ()
    durations: tuple[int, ...] = ()
    keyframe_sizes: tuple[int, ...] = ()
    width: int = 0
    height: int = 0
    sample_aspect: Fraction = Fraction(1)
    rung: int = 0
    language: str = "und"
    label: str = ""
    channels: int = 0
    default: bool = False

    def __post_init__(self) -> None:
        if not TRACK_NAME.fullmatch(self.name):
            raise InvalidInput(f"{self.name!r} is not the name of a track file")
        if not LANGUAGE.fullmatch(self.language):
            raise InvalidInput(f"{self.language!r} is not a language of three letters")
        if not self.label.isprintable() or '"' in self.label:
            raise InvalidInput(f"the label of {self.name} has characters that a playlist cannot hold")

    @property
    def stem(self) -> str:
        """The name without `.mp4`: what playlists are named after."""
        return self.name.removesuffix(".mp4")

    @property
    def display_width(self) -> int:
        """The width in square pixels."""
        return round(self.width * self.sample_aspect)

    @property
    def sidx_range(self) -> tuple[int, int]:
        """First byte of the `sidx`, and the one after its last."""
        return self.init_size, self.init_size + self.sidx_size

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each fragment starts in the file, and after them where the file ends."""
        return tuple(accumulate(self.sizes, initial=self.init_size + self.sidx_size))

    @property
    def file_size(self) -> int:
        """Bytes of the whole file."""
        return self.init_size + self.sidx_size + sum(self.sizes)

    @property
    def duration(self) -> Fraction:
        """Duration of the whole track in seconds, lead-in of sound included."""
        return Fraction(sum(self.durations), self.timescale)

    def segments(self, segment_gops: int) -> list[Segment]:
        """The segments, each of `segment_gops` fragments but the last."""
        bounds = [*range(0, len(self.sizes), segment_gops), len(self.sizes)]
        offsets = [self.offsets[bound] for bound in bounds]
        times = list(accumulate(self.durations, initial=0))
        cuts = zip(offsets, (times[bound] for bound in bounds), strict=True)
        return [Segment(start, end - start, later - now) for (start, now), (end, later) in pairwise(cuts)]


@dataclass(frozen=True)
class AssetIndex:
    """A title's timeline and tracks: all that manifests are computed from."""

    timeline: Timeline
    tracks: tuple[Track, ...]

    def track(self, name: str) -> Track | None:
        """The track with this file name, if there is one."""
        return next((track for track in self.tracks if track.name == name), None)

    def video(self, max_height: int = 0) -> tuple[Track, ...]:
        """Renditions, tallest first; with a limit those whose rung is within it, but never none: the lowest stays."""
        renditions = sorted((track for track in self.tracks if track.kind == "video"), key=lambda track: -track.rung)
        allowed = [track for track in renditions if not max_height or track.rung <= max_height]
        return tuple(allowed or renditions[-1:])

    def audio(self) -> tuple[Track, ...]:
        """Audio tracks, in the order of the source."""
        return tuple(track for track in self.tracks if track.kind == "audio")

    def offered(self, max_height: int = 0) -> tuple[Track, ...]:
        """Every track that manifests with this limit name, and whose bytes may be served under it."""
        return self.video(max_height) + self.audio()

    def segments(self, track: Track) -> list[Segment]:
        """The segments of a track."""
        return track.segments(self.timeline.segment_gops)

    @cached_property
    def target_duration(self) -> int:
        """The longest segment of any track, in whole seconds, at least one: what all media playlists declare (8.2)."""
        return max(whole_seconds(self.segments(track), track.timescale) for track in self.tracks)

    def encode(self) -> bytes:
        """The index as bytes."""
        head = json.dumps({"timeline": _timeline_head(self.timeline), "tracks": list(map(_track_head, self.tracks))})
        columns = [getattr(track, name) for track in self.tracks for name in COLUMN_NAMES]
        plain = struct.pack(">I", len(head)) + head.encode() + b"".join(map(_shuffle, columns))
        body = zlib.compress(plain, 9)
        return PREFIX.pack(MAGIC, VERSION, zlib.crc32(body)) + body

    @classmethod
    def decode(cls, data: bytes) -> "AssetIndex":
        """The index in these bytes.

        Raises `InvalidInput` when they are no index, or one of another version, and `DataLoss` when they are damaged.
        """
        if len(data) < PREFIX.size or not data.startswith(MAGIC):
            raise InvalidInput("this is not an asset index")
        _, version, checksum = PREFIX.unpack_from(data)
        if version != VERSION:
            raise InvalidInput(f"the asset index has version {version}, and this release reads version {VERSION}")
        body = data[PREFIX.size :]
        if zlib.crc32(body) != checksum:
            raise DataLoss("the asset index is damaged: its checksum does not match")
        try:
            return cls._read(_inflate(body))
        except (ValueError, LookupError, TypeError, struct.error, zlib.error) as error:
            raise DataLoss("the asset index is damaged: it does not hold what it says") from error

    @classmethod
    def _read(cls, plain: bytes) -> "AssetIndex":
        (size,) = struct.unpack_from(">I", plain)
        head = json.loads(plain[4 : 4 + size])
        frame_rate, *counts = head["timeline"]
        at = 4 + size
        tracks = []
        for fields in head["tracks"]:
            for name in COLUMN_NAMES:
                end = at + 4 * fields[name]
                fields[name] = _unshuffle(plain[at:end], fields[name])
                at = end
            tracks.append(Track(**fields | {"sample_aspect": Fraction(fields["sample_aspect"])}))
        return cls(Timeline(Fraction(frame_rate), *counts), tuple(tracks))


def _timeline_head(timeline: Timeline) -> list[str | int]:
    return [str(timeline.frame_rate), timeline.frames, timeline.gop_frames, timeline.segment_gops]


def _track_head(track: Track) -> dict[str, Any]:
    """The fields of a track, with the length of a column in place of the column."""
    lengths = {name: len(getattr(track, name)) for name in COLUMN_NAMES}
    return asdict(track) | {"sample_aspect": str(track.sample_aspect)} | lengths


def _shuffle(column: Sequence[int]) -> bytes:
    """All first bytes of the numbers, then all second bytes, and so on."""
    numbers = array("I", column)
    if sys.byteorder == "big":
        numbers.byteswap()
    data = numbers.tobytes()
    return b"".join(data[plane::4] for plane in range(4))


def _unshuffle(data: bytes, count: int) -> tuple[int, ...]:
    """The numbers that `_shuffle` was given."""
    if len(data) != 4 * count:
        raise ValueError("a column is too short")
    woven = bytearray(4 * count)
    for plane in range(4):
        woven[plane::4] = data[plane * count : (plane + 1) * count]
    numbers = array("I", bytes(woven))
    if sys.byteorder == "big":
        numbers.byteswap()
    return tuple(numbers)


def _inflate(body: bytes) -> bytes:
    """The decompressed body, within bounds."""
    inflater = zlib.decompressobj()
    plain = inflater.decompress(body, LARGEST_INDEX)
    if not inflater.eof:
        raise ValueError("the body does not end where it should")
    return plain
