"""What a track file is, read from its bytes alone: the facts that validation judges.

Of each fragment only a few numbers are kept, so that the memory does not grow with the samples of a film.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from matinee.errors import DataLoss
from packager.boxes import Box, children, payload, payloads, read_payload, scan
from packager.codecs import AvcConfig
from packager.entries import AUDIO_FIELDS, VISUAL_FIELDS, VideoEntry
from packager.fragments import FragmentHeader, SegmentIndex, TrackFragmentHeader, decode_fragment
from packager.movie import Movie, brands
from packager.sources import read_sample


@dataclass(frozen=True)
class FragmentFacts:
    """A fragment as its bytes have it; times in ticks, offsets from the start of the file.

    `size` is that of `moof` and `mdat` together, `keyframe_end` where the first sample ends. `steady` tells that all
    samples last `sample_duration`; `gapless` that, in order of presentation, one is shown after the other; `filled`
    that they are all of `mdat`.
    """

    offset: int
    size: int
    sequence: int
    track_fragments: int
    runs: int
    base_is_moof: bool
    filled: bool
    decode_time: int
    samples: int
    sample_duration: int
    steady: bool
    first_shown: int
    gapless: bool
    least_offset: int
    syncs: int
    starts_with_sync: bool
    starts_with_idr: bool
    keyframe_end: int

    @property
    def duration(self) -> int:
        """Duration in ticks."""
        return self.samples * self.sample_duration


@dataclass(frozen=True)
class TrackFile:
    """A track file: kinds of boxes, header, indexes, fragments. `entry_boxes` are those in the sample entry."""

    size: int
    kinds: tuple[bytes, ...]
    brands: tuple[bytes, ...]
    movie: Movie
    entry_boxes: frozenset[bytes]
    init_size: int
    sidx_boxes: tuple[Box, ...]
    indexes: tuple[SegmentIndex, ...]
    fragments: tuple[FragmentFacts, ...]

    @property
    def end(self) -> int:
        """When the last sample ends, in ticks."""
        return self.fragments[-1].decode_time + self.fragments[-1].duration


def inspect(path: Path, check: Callable[[], None] = lambda: None) -> TrackFile:
    """The facts of a file; `DataLoss` and `InvalidInput` say what cannot even be read.

    `check` is called at every fragment; what it raises ends the work.
    """
    with path.open("rb") as file:
        boxes = list(scan(file))
        moov_box = _only(boxes, b"moov", path)
        moov = read_payload(file, moov_box)
        movie = Movie.decode(moov)
        indexes = tuple(found for found in boxes if found.kind == b"sidx")
        pairs = [(moof, mdat) for moof, mdat in pairwise(boxes) if moof.kind == b"moof"]
        if not pairs:
            raise DataLoss(f"{path.name} has no fragments")
        fragments = []
        for moof, mdat in pairs:
            check()
            fragments.append(_facts(file, movie, moof, mdat))
        return TrackFile(
            size=boxes[-1].end,
            kinds=tuple(found.kind for found in boxes),
            brands=brands(read_payload(file, _only(boxes, b"ftyp", path))),
            movie=movie,
            entry_boxes=_entry_boxes(moov, movie),
            init_size=moov_box.end,
            sidx_boxes=indexes,
            indexes=tuple(SegmentIndex.decode(read_payload(file, found)) for found in indexes),
            fragments=tuple(fragments),
        )


def _only(boxes: list[Box], kind: bytes, path: Path) -> Box:
    found = [each for each in boxes if each.kind == kind]
    if len(found) != 1:
        raise DataLoss(f"{path.name} has {len(found)} boxes {kind.decode()!r} where one belongs")
    return found[0]


def _entry_boxes(moov: bytes, movie: Movie) -> frozenset[bytes]:
    """The kinds of the boxes inside the sample entry."""
    fields = VISUAL_FIELDS if isinstance(movie.entry, VideoEntry) else AUDIO_FIELDS
    descriptions = payload(moov, b"trak", b"mdia", b"minf", b"stbl", b"stsd")
    entry = payload(descriptions[8:], movie.entry.KIND)
    return frozenset(child.kind for child in children(entry[fields:]))


def _facts(file: BinaryIO, movie: Movie, moof: Box, mdat: Box) -> FragmentFacts:
    """The facts of one fragment."""
    data = read_payload(file, moof)
    decode_time, samples = decode_fragment(data, moof.start, movie.defaults)
    if not samples:
        raise DataLoss(f"the fragment at byte {moof.start} has no samples")
    head = TrackFragmentHeader.decode(payload(data, b"traf", b"tfhd"))
    durations = [sample.duration for sample in samples]
    clock, offsets = decode_time, []
    for sample in samples:
        offsets.append(sample.shown - clock)
        clock += sample.duration
    shown = sorted(sample.shown for sample in samples)
    ends = [sample.offset + sample.size for sample in samples]
    contiguous = [mdat.payload_start, *ends[:-1]] == [sample.offset for sample in samples]
    return FragmentFacts(
        offset=moof.start,
        size=mdat.end - moof.start,
        sequence=FragmentHeader.decode(payload(data, b"mfhd")).sequence,
        track_fragments=len(payloads(data, b"traf")),
        runs=len(payloads(data, b"traf", b"trun")),
        base_is_moof=head.base_is_moof and head.base_offset is None,
        filled=mdat.kind == b"mdat" and contiguous and ends[-1] == mdat.end,
        decode_time=decode_time,
        samples=len(samples),
        sample_duration=durations[0],
        steady=len(set(durations)) == 1,
        first_shown=shown[0],
        gapless=all(later - now == durations[0] for now, later in pairwise(shown)),
        least_offset=min(offsets),
        syncs=sum(sample.sync for sample in samples),
        starts_with_sync=samples[0].sync,
        starts_with_idr=isinstance(movie.entry, VideoEntry)
        and AvcConfig.decode(movie.entry.config).starts_with_idr(read_sample(file, samples[0])),
        keyframe_end=ends[0],
    )
