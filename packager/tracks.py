"""CMAF track files written from encoded samples (ISO/IEC 23000-19, and the rules of docs/standards.md).

Of the input only the bytes of samples, their sync flags and the order of presentation inside a GOP are taken. Every
time is written anew from the timeline: decoding starts at 0, and content is shown from T0 on. A file is `ftyp`, `moov`,
one `sidx` of every segment, and one fragment per GOP.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from matinee.errors import DataLoss, InvalidInput
from packager.codecs import AAC_LC, AacConfig, AvcConfig
from packager.entries import AudioEntry, VideoEntry
from packager.fragments import MDAT_HEADER, Reference, Sample, SegmentIndex, encode_fragment
from packager.index import Track
from packager.movie import Movie, file_type
from packager.sources import SourceFile
from packager.timeline import AAC_FRAME, AUDIO_RATE, REORDER_FRAMES, Timeline

SAP_TYPE = 1
"""Every segment starts with a picture that is decoded and shown first (14496-12, annex I)."""


class _Fragment(NamedTuple):
    data: bytes
    duration: int
    keyframe_size: int


def write_video_track(
    spans: Sequence[Path],
    timeline: Timeline,
    destination: Path,
    *,
    name: str,
    rung: int,
    check: Callable[[], None] = lambda: None,
) -> Track:
    """Join encoded spans into the video track `destination`, and describe it.

    `spans` are files as `packager.sources` wants them, in order, and together hold `timeline.frames` frames in closed
    GOPs of `timeline.gop_lengths`. `check` is called at every fragment; what it raises ends the work. Raises
    `InvalidInput` when they were encoded with different parameters (SPS, PPS, size, colour) or are not AVC, and
    `DataLoss` when a GOP does not start with its one IDR picture, needs more than two frames of reordering, or frames
    are missing or too many.
    """
    entry = _common_entry(spans)
    track = Track(
        name=name,
        kind="video",
        codecs=AvcConfig.decode(entry.config).codecs,
        timescale=timeline.timescale,
        width=entry.width,
        height=entry.height,
        sample_aspect=entry.sample_aspect,
        rung=rung,
    )
    movie = Movie(entry, timeline.timescale)
    return _write(destination, movie, track, timeline, _video_fragments(spans, entry, timeline, check))


def write_audio_track(
    source: Path,
    timeline: Timeline,
    destination: Path,
    *,
    name: str,
    language: str = "und",
    label: str = "",
    default: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Track:
    """Cut encoded sound into the audio track `destination`, and describe it.

    `source` is a file as `packager.sources` wants it: AAC-LC at 48 kHz, delayed so that with the encoder's priming its
    content begins at T0, and at least `timeline.audio_frames` frames long; what is longer is left out. `language` is an
    ISO 639-2 code. `check` is called at every fragment; what it raises ends the work. Raises `InvalidInput` when it is
    of another form, and `DataLoss` when it is too short.
    """
    with SourceFile(source) as opened:
        entry = opened.movie.entry
    if not isinstance(entry, AudioEntry):
        raise InvalidInput(f"{source.name} is not sound")
    config = AacConfig.decode(entry.config)
    if (config.object_type, config.sample_rate) != (AAC_LC, AUDIO_RATE):
        raise InvalidInput(f"{source.name} is not AAC-LC at {AUDIO_RATE} Hz")
    track = Track(
        name=name,
        kind="audio",
        codecs=config.codecs,
        timescale=AUDIO_RATE,
        language=language,
        label=_plain(label),
        channels=config.channels,
        default=default,
    )
    movie = Movie(AudioEntry(config.channels, AUDIO_RATE, entry.config), AUDIO_RATE, language)
    return _write(destination, movie, track, timeline, _audio_fragments(source, timeline, check))


def _plain(label: str) -> str:
    """A label as a playlist can hold it."""
    return " ".join("".join(letter if letter.isprintable() and letter != '"' else " " for letter in label).split())


def _write(destination: Path, movie: Movie, track: Track, timeline: Timeline, fragments: Iterator[_Fragment]) -> Track:
    """Write header and fragments, then the `sidx` into the place kept for it; the track, with where it all lies."""
    earliest = REORDER_FRAMES * timeline.frame_ticks if track.kind == "video" else 0
    header = file_type() + movie.encode()
    blank = SegmentIndex(track.timescale, earliest, (Reference(0, 0, SAP_TYPE),) * timeline.segments).encode()
    columns = []
    with destination.open("wb") as file:
        file.write(header + blank)
        for fragment in fragments:
            file.write(fragment.data)
            columns.append((len(fragment.data), fragment.duration, fragment.keyframe_size))
        sizes, durations, keyframe_sizes = zip(*columns, strict=True)
        track = replace(
            track,
            init_size=len(header),
            sidx_size=len(blank),
            sizes=sizes,
            durations=durations,
            keyframe_sizes=keyframe_sizes if track.kind == "video" else (),
        )
        segments = track.segments(timeline.segment_gops)
        references = tuple(Reference(segment.size, segment.duration, SAP_TYPE) for segment in segments)
        file.seek(len(header))
        file.write(SegmentIndex(track.timescale, earliest, references).encode())
    return track


def _common_entry(spans: Sequence[Path]) -> VideoEntry:
    """The sample entry that all spans share."""
    if not spans:
        raise InvalidInput("a video track is made of at least one span")
    shared = _video_entry(spans[0])
    for span in spans[1:]:
        if _video_entry(span) != shared:
            raise InvalidInput(f"{span.name} was encoded with other parameters than the first span")
    return shared


def _video_entry(span: Path) -> VideoEntry:
    with SourceFile(span) as opened:
        entry = opened.movie.entry
    if not isinstance(entry, VideoEntry):
        raise InvalidInput(f"{span.name} is not pictures")
    return entry


def _encoded(paths: Sequence[Path]) -> Iterator[tuple[Sample, bytes]]:
    """Every sample of the files with its bytes, in decoding order."""
    for path in paths:
        with SourceFile(path) as opened:
            for sample in opened.samples():
                yield sample, opened.read(sample)


def _video_fragments(
    spans: Sequence[Path], entry: VideoEntry, timeline: Timeline, check: Callable[[], None]
) -> Iterator[_Fragment]:
    """One fragment per GOP."""
    config = AvcConfig.decode(entry.config)
    encoded = _encoded(spans)
    ticks = timeline.frame_ticks
    decode_time = 0
    for number, length in enumerate(timeline.gop_lengths, 1):
        check()
        gop = list(islice(encoded, length))
        if [sample.sync for sample, _ in gop] != [True] + [False] * (length - 1):
            raise DataLoss(f"GOP {number} is not {length} frames of which the first alone is a keyframe")
        data = [payload for _, payload in gop]
        if not config.starts_with_idr(data[0]):
            raise DataLoss(f"GOP {number} does not start with an IDR picture")
        offsets = composition_offsets([sample.shown for sample, _ in gop], ticks)
        fragment, moof_size = encode_fragment(number, decode_time, ticks, data, offsets)
        yield _Fragment(fragment, length * ticks, moof_size + MDAT_HEADER + len(data[0]))
        decode_time += length * ticks
    if next(encoded, None) is not None:
        raise DataLoss(f"the spans hold more than {timeline.frames} frames")


def composition_offsets(shown: Sequence[int], frame_ticks: int) -> tuple[int, ...]:
    """By how much each picture of a GOP is shown after it is decoded, so that the first waits two frame durations.

    `shown` are presentation times in decoding order; only their order counts. Raises `DataLoss` when the first picture
    is not shown first, when two are shown at once, or when one would be shown before it is decoded.
    """
    order = sorted(range(len(shown)), key=shown.__getitem__)
    ranks = {picture: rank for rank, picture in enumerate(order)}
    offsets = tuple((ranks[picture] - picture + REORDER_FRAMES) * frame_ticks for picture in range(len(shown)))
    if order[0] != 0 or len(set(shown)) != len(shown):
        raise DataLoss("the pictures of a GOP are not shown one after the other with its keyframe first")
    if min(offsets) < 0:
        raise DataLoss(f"a GOP needs more than {REORDER_FRAMES} frames of reordering")
    return offsets


def _audio_fragments(source: Path, timeline: Timeline, check: Callable[[], None]) -> Iterator[_Fragment]:
    """One fragment per GOP of the pictures."""
    encoded = _encoded([source])
    for number, (start, end) in enumerate(pairwise(timeline.audio_cuts), 1):
        check()
        data = [payload for _, payload in islice(encoded, end - start)]
        if len(data) != end - start:
            raise DataLoss(f"{source.name} holds fewer than {timeline.audio_frames} frames of sound")
        fragment, _ = encode_fragment(number, start * AAC_FRAME, AAC_FRAME, data)
        yield _Fragment(fragment, len(data) * AAC_FRAME, 0)
