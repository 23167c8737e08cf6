"""Movie fragments and their index: `moof`, `mdat`, `sidx` (ISO/IEC 14496-12, clauses 8.8, 8.1.1 and 8.16.3).

A fragment is written the one way that CMAF has (ISO/IEC 23000-19): one `traf`, one `trun`, addresses relative to
its `moof`. It is read in every way that FFmpeg writes.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from matinee.errors import DataLoss
from packager.boxes import Fields, FullBox, box, payload, payloads
from packager.movie import TRACK_ID, TrackExtends

SYNC = 0x02000000
"""Sample flags (8.8.3.1): depends on no other sample, and decoding can start here."""
NOT_SYNC = 0x01010000
"""Sample flags: depends on other samples, and decoding cannot start here."""
IS_NOT_SYNC = 0x00010000
MOST_SAMPLES = 1 << 16
"""Most samples of a fragment: a quarter of an hour of pictures at 60 frames per second has fewer."""
MDAT_HEADER = 8


class Sample(NamedTuple):
    """A sample of a fragment: bytes, whether decoding can start at it, and its times in ticks of the track.

    `offset` is that of its first byte, from the start of the file; `shown` is its composition time.
    """

    offset: int
    size: int
    sync: bool
    duration: int
    shown: int


@dataclass(frozen=True)
class FragmentHeader(FullBox):
    """`mfhd` (8.8.5): the number of the fragment, from 1."""

    KIND = b"mfhd"

    sequence: int

    def body(self) -> bytes:
        """The sequence number."""
        return struct.pack(">I", self.sequence)

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The sequence number."""
        return cls(fields.one("I"))


@dataclass(frozen=True)
class TrackFragmentHeader(FullBox):
    """`tfhd` (8.8.7): defaults of a fragment's samples; None where `trex` is to be asked.

    `base_is_moof`: addresses count from the start of `moof`; otherwise from `base_offset` in the file.
    """

    KIND = b"tfhd"

    duration: int | None = None
    size: int | None = None
    flags: int | None = None
    base_is_moof: bool = True
    base_offset: int | None = None

    def version_and_flags(self) -> tuple[int, int]:
        """Which fields are there."""
        present = {0x01: self.base_offset, 0x08: self.duration, 0x10: self.size, 0x20: self.flags}
        return 0, 0x020000 * self.base_is_moof + sum(flag for flag, value in present.items() if value is not None)

    def body(self) -> bytes:
        """The track id, and the fields that are there."""
        base = b"" if self.base_offset is None else struct.pack(">Q", self.base_offset)
        defaults = [value for value in (self.duration, self.size, self.flags) if value is not None]
        return struct.pack(">I", TRACK_ID) + base + struct.pack(f">{len(defaults)}I", *defaults)

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The fields that `flags` announces."""
        fields.one("I")
        base_offset = fields.one("Q") if flags & 0x01 else None
        if flags & 0x02:
            fields.one("I")
        duration, size, sample_flags = (fields.one("I") if flags & bit else None for bit in (0x08, 0x10, 0x20))
        return cls(duration, size, sample_flags, bool(flags & 0x020000), base_offset)


@dataclass(frozen=True)
class DecodeTime(FullBox):
    """`tfdt` (8.8.12): when the first sample of a fragment is decoded, in ticks."""

    KIND = b"tfdt"

    ticks: int

    def version_and_flags(self) -> tuple[int, int]:
        """Version 1, whose time has 64 bits."""
        return 1, 0

    def body(self) -> bytes:
        """The time."""
        return struct.pack(">Q", self.ticks)

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The time, of either version."""
        return cls(fields.one("Q" if version else "I"))


@dataclass(frozen=True)
class TrackRun(FullBox):
    """`trun` (8.8.8): the samples of a fragment. A column is None where a default stands for it.

    `data_offset` counts from the base that `tfhd` names; `signed_offsets` is version 1, where composition offsets may
    be negative.
    """

    KIND = b"trun"

    count: int
    data_offset: int | None = None
    first_flags: int | None = None
    durations: tuple[int, ...] | None = None
    sizes: tuple[int, ...] | None = None
    flags: tuple[int, ...] | None = None
    offsets: tuple[int, ...] | None = None
    signed_offsets: bool = False

    def _columns(self) -> dict[int, tuple[int, ...] | None]:
        return {0x100: self.durations, 0x200: self.sizes, 0x400: self.flags, 0x800: self.offsets}

    def version_and_flags(self) -> tuple[int, int]:
        """Which fields and columns are there."""
        present = {0x01: self.data_offset, 0x04: self.first_flags, **self._columns()}
        return int(self.signed_offsets), sum(flag for flag, value in present.items() if value is not None)

    def body(self) -> bytes:
        """The count, the fields, and one row per sample."""
        data_offset = b"" if self.data_offset is None else struct.pack(">i", self.data_offset)
        first_flags = b"" if self.first_flags is None else struct.pack(">I", self.first_flags)
        columns = [column for column in self._columns().values() if column is not None]
        row = self._row("I" * len(columns), self.signed_offsets and self.offsets is not None)
        rows = b"".join(row.pack(*values) for values in zip(*columns, strict=True))
        return struct.pack(">I", self.count) + data_offset + first_flags + rows

    @staticmethod
    def _row(columns: str, signed: bool) -> struct.Struct:
        return struct.Struct(">" + (columns[:-1] + "i" if signed else columns))

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The fields and columns that `flags` announces."""
        count = fields.one("I")
        if count > MOST_SAMPLES:
            raise DataLoss(f"a fragment claims {count} samples")
        data_offset = fields.one("i") if flags & 0x01 else None
        first_flags = fields.one("I") if flags & 0x04 else None
        present = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
        row = cls._row("I" * len(present), bool(version and flags & 0x800))
        rows = row.iter_unpack(fields.take_bytes(count * row.size)) if present and count else ()
        columns = dict(zip(present, zip(*rows, strict=True), strict=True)) if count else dict.fromkeys(present, ())
        durations, sizes, sample_flags, offsets = (columns.get(bit) for bit in (0x100, 0x200, 0x400, 0x800))
        return cls(count, data_offset, first_flags, durations, sizes, sample_flags, offsets, bool(version))


class Reference(NamedTuple):
    """A segment in a `sidx`: its bytes, its duration in ticks, and the type of stream access point it starts with."""

    size: int
    duration: int
    sap_type: int


@dataclass(frozen=True)
class SegmentIndex(FullBox):
    """`sidx` (8.16.3): every segment of the track; `earliest` is the first composition time, in ticks."""

    KIND = b"sidx"

    timescale: int
    earliest: int
    references: tuple[Reference, ...]
    first_offset: int = 0

    def version_and_flags(self) -> tuple[int, int]:
        """Version 1, whose times have 64 bits."""
        return 1, 0

    def body(self) -> bytes:
        """The head, and 12 bytes for each segment, which starts with a SAP when it has a type."""
        head = struct.pack(
            ">IIQQHH", TRACK_ID, self.timescale, self.earliest, self.first_offset, 0, len(self.references)
        )
        rows = (
            struct.pack(">III", size, duration, bool(sap_type) << 31 | sap_type << 28)
            for size, duration, sap_type in self.references
        )
        return head + b"".join(rows)

    @classmethod
    def read(cls, version: int, flags: int, fields: Fields) -> Self:
        """The index, of either version; references to further indexes are refused, as ours has none."""
        timescale, earliest, first_offset, _, count = fields.take("4xIQQHH" if version else "4xIIIHH")
        rows = [fields.take("III") for _ in range(count)]
        if any(size >> 31 for size, _, _ in rows):
            raise DataLoss("a sidx refers to another sidx")
        references = tuple(Reference(size, duration, sap >> 28 & 7 if sap >> 31 else 0) for size, duration, sap in rows)
        return cls(timescale, earliest, references, first_offset)


def encode_fragment(
    sequence: int,
    decode_time: int,
    duration: int,
    samples: Sequence[bytes],
    composition_offsets: tuple[int, ...] | None = None,
) -> tuple[bytes, int]:
    """A fragment, `moof` and `mdat`, whose samples all last `duration` ticks; and the size of its `moof`.

    With composition offsets (video) the first sample is the only one at which decoding can start; without them (audio)
    all are.
    """
    video = composition_offsets is not None
    defaults = TrackFragmentHeader(duration=duration, flags=NOT_SYNC if video else SYNC)
    sizes = tuple(map(len, samples))
    run = TrackRun(len(samples), 0, SYNC if video else None, sizes=sizes, offsets=composition_offsets)
    head = FragmentHeader(sequence).encode(), defaults.encode(), DecodeTime(decode_time).encode()
    moof_size = 8 + sum(map(len, head)) + 8 + len(run.encode())
    run = TrackRun(len(samples), moof_size + MDAT_HEADER, run.first_flags, sizes=sizes, offsets=composition_offsets)
    moof = box(b"moof", head[0], box(b"traf", *head[1:], run.encode()))
    return moof + box(b"mdat", *samples), moof_size


def decode_fragment(moof: bytes, start: int, defaults: TrackExtends) -> tuple[int, list[Sample]]:
    """The decode time of a fragment and its samples; `moof` is its payload, `start` where the box lies in the file.

    A fragment without `tfdt` is said to start at 0. Raises `DataLoss` when it is damaged.
    """
    track = payload(moof, b"traf")
    head = TrackFragmentHeader.decode(payload(track, b"tfhd"))
    times = payloads(track, b"tfdt")
    decode_time = DecodeTime.decode(times[0]).ticks if times else 0
    address = base = start if head.base_offset is None else head.base_offset
    clock = decode_time
    samples: list[Sample] = []
    for data in payloads(track, b"trun"):
        run = TrackRun.decode(data)
        if len(samples) + run.count > MOST_SAMPLES:
            raise DataLoss(f"a fragment has more than {MOST_SAMPLES} samples")
        address = address if run.data_offset is None else base + run.data_offset
        for size, duration, flags, offset in _rows(run, head, defaults):
            samples.append(Sample(address, size, not flags & IS_NOT_SYNC, duration, clock + offset))
            address += size
            clock += duration
    return decode_time, samples


def _rows(run: TrackRun, head: TrackFragmentHeader, defaults: TrackExtends) -> "zip[tuple[int, int, int, int]]":
    """Size, duration, flags and composition offset of every sample, defaults filled in (8.8.8.1)."""

    def column(own: tuple[int, ...] | None, fragment: int | None, movie: int) -> tuple[int, ...]:
        return (movie if fragment is None else fragment,) * run.count if own is None else own

    flags = column(run.flags, head.flags, defaults.flags)
    if run.first_flags is not None and run.flags is None:
        flags = (run.first_flags, *flags[1:])[: run.count]
    return zip(
        column(run.sizes, head.size, defaults.size),
        column(run.durations, head.duration, defaults.duration),
        flags,
        column(run.offsets, None, 0),
        strict=True,
    )
