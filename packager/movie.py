"""The header of a track file: `ftyp` and `moov` (ISO/IEC 14496-12 clause 8; brands of ISO/IEC 23000-19, 7.2)."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from matinee.errors import DataLoss, InvalidInput
from packager.boxes import Fields, FullBox, box, children, payload, payloads
from packager.entries import AudioEntry, Entry, VideoEntry

TRACK_ID = 1
UNITY_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
ENABLED_IN_MOVIE_AND_PREVIEW = 7
SELF_CONTAINED = 1
"""Flag of a data entry that says: the samples are in this file (8.7.2)."""

MAJOR_BRAND = b"cmfc"
COMPATIBLE_BRANDS = (b"cmfc", b"iso6", b"dash")


def file_type() -> bytes:
    """The `ftyp` box (4.3): a CMAF track (`cmfc`), with one `sidx` for DASH on-demand (`dash`)."""
    return box(b"ftyp", MAJOR_BRAND, bytes(4), *COMPATIBLE_BRANDS)


def brands(data: bytes) -> tuple[bytes, ...]:
    """The compatible brands in a payload of `ftyp`."""
    fields = Fields(data)
    fields.take_bytes(8)
    names = fields.rest()
    return tuple(names[at : at + 4] for at in range(0, len(names), 4))


@dataclass(frozen=True)
class TrackExtends(FullBox):
    """`trex` (8.8.3): what a fragment's samples are when the fragment does not say."""

    KIND = b"trex"

    duration: int = 0
    size: int = 0
    flags: int = 0

    def body(self) -> bytes:
        """Track id, sample description, and the three defaults."""
        return struct.pack(">IIIII", TRACK_ID, 1, self.duration, self.size, self.flags)

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The defaults; the id of the one track is not kept."""
        return cls(*fields.take("8xIII"))


@dataclass(frozen=True)
class Movie:
    """What `moov` says of the one track of a file.

    `language` is an ISO 639-2 code; `has_edit_list` tells of an `elst`, which is read but never written.
    """

    entry: Entry
    timescale: int
    language: str = "und"
    defaults: TrackExtends = TrackExtends()
    has_edit_list: bool = False

    def encode(self) -> bytes:
        """The `moov` box of a fragmented file without edit list (8.2.1)."""
        return box(b"moov", _movie_header(self.timescale), self._track(), box(b"mvex", self.defaults.encode()))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The movie with this `moov` payload.

        Raises `InvalidInput` when it has another number of tracks than one, is not fragmented, or is neither AVC nor
        AAC, and `DataLoss` when it is damaged.
        """
        if len(payloads(data, b"trak")) != 1:
            raise InvalidInput(f"a file has {len(payloads(data, b'trak'))} tracks where one belongs")
        defaults = payloads(data, b"mvex", b"trex")
        if len(defaults) != 1:
            raise InvalidInput("a file is not fragmented MP4")
        media = payload(data, b"trak", b"mdia")
        timescale, language = _read_media_header(payload(media, b"mdhd"))
        entry = _read_entry(payload(media, b"minf", b"stbl", b"stsd"))
        has_edit_list = bool(payloads(data, b"trak", b"edts", b"elst"))
        return cls(entry, timescale, language, TrackExtends.decode(defaults[0]), has_edit_list)

    def _track(self) -> bytes:
        """`trak` (8.3.1)."""
        return box(
            b"trak",
            self._track_header(),
            box(
                b"mdia",
                _media_header(self.timescale, self.language),
                self._handler(),
                box(b"minf", self._media_type_header(), _data_information(), _sample_table(self.entry)),
            ),
        )

    def _track_header(self) -> bytes:
        """`tkhd` (8.3.2), with the size in square pixels for pictures and full volume for sound."""
        width, height, volume = Fraction(0), 0, 0x0100
        if isinstance(self.entry, VideoEntry):
            width, height, volume = self.entry.width * self.entry.sample_aspect, self.entry.height, 0
        fields = struct.pack(">8xI4x4x8xHHHH", TRACK_ID, 0, 0, volume, 0) + UNITY_MATRIX
        return _full(
            b"tkhd", ENABLED_IN_MOVIE_AND_PREVIEW, fields, struct.pack(">II", int(width * 65536), height << 16)
        )

    def _handler(self) -> bytes:
        """`hdlr` (8.4.3)."""
        kind = b"vide" if isinstance(self.entry, VideoEntry) else b"soun"
        return _full(b"hdlr", 0, bytes(4), kind, bytes(12), b"\0")

    def _media_type_header(self) -> bytes:
        """`vmhd` (12.1.2) or `smhd` (12.2.2)."""
        if isinstance(self.entry, VideoEntry):
            return _full(b"vmhd", 1, bytes(8))
        return _full(b"smhd", 0, bytes(4))


def _full(kind: bytes, flags: int, *fields: bytes) -> bytes:
    """A full box of version 0."""
    return box(kind, struct.pack(">I", flags), *fields)


def _movie_header(timescale: int) -> bytes:
    """`mvhd` (8.2.2): rate 1.0, volume 1.0; the duration is that of the fragments, so 0 here."""
    fields = struct.pack(">8xI4xIH10x", timescale, 0x10000, 0x0100)
    return _full(b"mvhd", 0, fields, UNITY_MATRIX, bytes(24), struct.pack(">I", TRACK_ID + 1))


def _media_header(timescale: int, language: str) -> bytes:
    """`mdhd` (8.4.2): the language as three letters of five bits."""
    packed = 0
    for letter in language:
        packed = packed << 5 | ord(letter) - 0x60
    return _full(b"mdhd", 0, struct.pack(">8xI4xH2x", timescale, packed))


def _read_media_header(data: bytes) -> tuple[int, str]:
    """Timescale and language of `mdhd`, version 0 or 1."""
    fields = Fields(data)
    version = fields.one("B3x")
    timescale, packed = fields.take("16xI8xH" if version else "8xI4xH")
    if not timescale:
        raise DataLoss("a track has a timescale of 0")
    return timescale, "".join(chr((packed >> shift & 0x1F) + 0x60) for shift in (10, 5, 0))


def _data_information() -> bytes:
    """`dinf` (8.7.1): the samples lie in this file."""
    return box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", SELF_CONTAINED)))


def _sample_table(entry: Entry) -> bytes:
    """`stbl` (8.5.1): a description, and no samples, which are all in fragments."""
    return box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), entry.encode()),
        *(_full(kind, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")),
        _full(b"stsz", 0, bytes(8)),
    )


def _read_entry(data: bytes) -> Entry:
    """The one sample entry of `stsd` (8.5.2)."""
    fields = Fields(data)
    fields.take("II")
    listed = fields.rest()
    entries = children(listed)
    if len(entries) != 1:
        raise InvalidInput(f"a track has {len(entries)} sample descriptions where one belongs")
    inner = listed[entries[0].payload_start : entries[0].end]
    match entries[0].kind:
        case VideoEntry.KIND:
            return VideoEntry.decode(inner)
        case AudioEntry.KIND:
            return AudioEntry.decode(inner)
        case other:
            raise InvalidInput(f"a track is {other.decode('latin-1')!r}, neither AVC nor AAC")
