"""What a script can check of CMAF tracks (ISO/IEC 23000-19; docs/standards.md). A rule yields its faults."""

from collections.abc import Callable, Iterator
from fractions import Fraction

from packager.codecs import AAC_LC, AacConfig, AvcConfig
from packager.entries import AudioEntry, VideoEntry
from packager.index import Track
from packager.inspection import FragmentFacts, TrackFile
from packager.presentation import Presentation
from packager.timeline import AAC_FRAME, AUDIO_RATE, REORDER_FRAMES

Rule = Callable[[Presentation], Iterator[str]]

HIGH_PROFILE, HIGHEST_LEVEL = 100, 52


def brand(title: Presentation) -> Iterator[str]:
    """CMAF: `ftyp` carries `cmfc`."""
    for track, file in title.tracks():
        if b"cmfc" not in file.brands:
            yield f"{track.name}: ftyp does not carry the brand cmfc"


def box_order(title: Presentation) -> Iterator[str]:
    """CMAF: a header, one `sidx` between it and the first fragment, and fragments of `moof` and `mdat`."""
    for track, file in title.tracks():
        if file.kinds != (b"ftyp", b"moov", b"sidx", *(b"moof", b"mdat") * len(file.fragments)):
            yield f"{track.name}: the file is not ftyp, moov, one sidx, and fragments of moof and mdat"


def media_type(title: Presentation) -> Iterator[str]:
    """CMAF: one track, one media type per file, and the one that the index says."""
    for track, file in title.tracks():
        if isinstance(file.movie.entry, VideoEntry) != (track.kind == "video"):
            yield f"{track.name}: the file is not {track.kind}"


def one_run(title: Presentation) -> Iterator[str]:
    """CMAF: one `traf` and one `trun` per `moof`."""
    yield from _fragments(
        title, lambda each: (each.track_fragments, each.runs) == (1, 1), "has not one traf with one trun"
    )


def addresses(title: Presentation) -> Iterator[str]:
    """CMAF: data offsets are relative to `moof`, and the samples are all of the `mdat` that follows."""
    yield from _fragments(title, lambda each: each.base_is_moof, "has addresses that do not count from moof")
    yield from _fragments(title, lambda each: each.filled, "does not fill its mdat with its samples")


def sequence(title: Presentation) -> Iterator[str]:
    """14496-12, 8.8.5: fragments are numbered in order."""
    for track, file in title.tracks():
        if [each.sequence for each in file.fragments] != list(range(1, len(file.fragments) + 1)):
            yield f"{track.name}: the fragments are not numbered from 1 without a gap"


def decode_times(title: Presentation) -> Iterator[str]:
    """CMAF: `tfdt` is the sum of all earlier durations, from 0: no gap, no overlap."""
    for track, file in title.tracks():
        clock = 0
        for number, each in enumerate(file.fragments, 1):
            if each.decode_time != clock or not each.steady:
                yield f"{track.name}: fragment {number} starts at {each.decode_time} where {clock} ticks are due"
                break
            clock += each.duration


def no_edit_list(title: Presentation) -> Iterator[str]:
    """One start: no edit list."""
    for track, file in title.tracks():
        if file.movie.has_edit_list:
            yield f"{track.name}: there is an edit list"


def no_negative_offset(title: Presentation) -> Iterator[str]:
    """One start: no negative composition offset."""
    yield from _fragments(title, lambda each: each.least_offset >= 0, "has a negative composition offset")


def one_start(title: Presentation) -> Iterator[str]:
    """One start: the first picture of every rendition is shown at T0, and pictures follow without a gap."""
    for track, file in title.video():
        ticks = title.index.timeline.frame_ticks
        if any(
            not each.gapless or each.first_shown != each.decode_time + REORDER_FRAMES * ticks for each in file.fragments
        ):
            yield f"{track.name}: a picture is not shown {REORDER_FRAMES} frame durations after its turn"


def audio_cuts(title: Presentation) -> Iterator[str]:
    """One start: sound is cut at its first frame at or after T0 + k GOPs, so that the first segment is T0 longer."""
    due = [cut * AAC_FRAME for cut in title.index.timeline.audio_cuts]
    for track, file in title.audio():
        if [*(each.decode_time for each in file.fragments), file.end] != due:
            yield f"{track.name}: sound is not cut where the pictures are"


def closed_gops(title: Presentation) -> Iterator[str]:
    """CMAF: every video fragment starts with an IDR picture, the only one in it."""
    for track, file in title.video():
        for number, each in enumerate(file.fragments, 1):
            if not (each.starts_with_idr and each.starts_with_sync and each.syncs == 1):
                yield f"{track.name}: fragment {number} is not one closed GOP that starts with an IDR picture"


def gop_lengths(title: Presentation) -> Iterator[str]:
    """One GOP is one fragment: as many frames in each as the timeline says, at its constant frame rate."""
    timeline = title.index.timeline
    for track, file in title.video():
        exact = file.movie.timescale == timeline.timescale and {each.sample_duration for each in file.fragments} == {
            timeline.frame_ticks
        }
        if not exact or tuple(each.samples for each in file.fragments) != timeline.gop_lengths:
            yield f"{track.name}: the GOPs are not those of the timeline"


def switching_set(title: Presentation) -> Iterator[str]:
    """CMAF: all renditions have fragments with the same decode times and durations."""
    grids = {tuple((each.decode_time, each.duration) for each in file.fragments) for _, file in title.video()}
    if len(grids) > 1:
        yield "the renditions do not have the same fragments"


def ends_agree(title: Presentation) -> Iterator[str]:
    """CMAF: track ends agree within one video fragment."""
    timeline = title.index.timeline
    end = timeline.lead_in + timeline.duration
    for track, file in title.tracks():
        lead_in = timeline.lead_in if track.kind == "video" else 0
        if (
            abs(Fraction(file.end, file.movie.timescale) + lead_in - end)
            > timeline.gop_frames * timeline.frame_duration
        ):
            yield f"{track.name}: the track does not end with the title"


def colour_and_aspect(title: Presentation) -> Iterator[str]:
    """CMAF: `colr` (nclx) and `pasp` are present."""
    for track, file in title.video():
        for kind in (b"colr", b"pasp"):
            if kind not in file.entry_boxes:
                yield f"{track.name}: the sample entry has no {kind.decode()}"


def playable_everywhere(title: Presentation) -> Iterator[str]:
    """At least one AVC video set (High, level <= 5.2), and AAC-LC stereo at 48 kHz where there is sound (HLS 2.3)."""
    if not any(_is_high(file) for _, file in title.video()):
        yield f"no rendition is AVC High of level {HIGHEST_LEVEL / 10} at most"
    if title.audio() and not any(_is_stereo(file) for _, file in title.audio()):
        yield "no audio track is AAC-LC stereo at 48 kHz"


def _is_high(file: TrackFile) -> bool:
    if not isinstance(file.movie.entry, VideoEntry):
        return False
    config = AvcConfig.decode(file.movie.entry.config)
    return config.profile == HIGH_PROFILE and config.level <= HIGHEST_LEVEL


def _is_stereo(file: TrackFile) -> bool:
    entry = file.movie.entry
    return isinstance(entry, AudioEntry) and AacConfig.decode(entry.config) == AacConfig(AAC_LC, AUDIO_RATE, 2)


def segment_index(title: Presentation) -> Iterator[str]:
    """14496-12, 8.16.3: exactly one `sidx`, of every segment up to the end of the file, each a SAP of type 1."""
    for track, file in title.tracks():
        if len(file.indexes) != 1:
            yield f"{track.name}: there are {len(file.indexes)} sidx boxes where one belongs"
            continue
        (sidx,), (found,) = file.indexes, file.sidx_boxes
        segments = track.segments(title.index.timeline.segment_gops)
        if [(each.size, each.duration) for each in sidx.references] != [each[1:] for each in segments]:
            yield f"{track.name}: the sidx does not list the segments"
        if found.end + sidx.first_offset + sum(each.size for each in sidx.references) != file.size:
            yield f"{track.name}: the sizes in the sidx do not sum to the end of the file"
        if any(each.sap_type != 1 for each in sidx.references):
            yield f"{track.name}: a segment does not start with a SAP of type 1"
        if (sidx.timescale, sidx.earliest) != (file.movie.timescale, file.fragments[0].first_shown):
            yield f"{track.name}: the sidx does not start where the track does"


def truthful_index(title: Presentation) -> Iterator[str]:
    """The asset index is the truth: it says of every file what its bytes say."""
    for track, file in title.tracks():
        if _described(track) != _found(track, file):
            yield f"{track.name}: the asset index does not describe the file"


def _described(track: Track) -> tuple[object, ...]:
    picture = track.width, track.height, track.sample_aspect, track.keyframe_sizes
    rest = track.channels, track.language
    places = track.init_size, track.sidx_range, track.offsets, track.durations, track.file_size
    return track.codecs, track.timescale, *places, *(picture if track.kind == "video" else rest)


def _found(track: Track, file: TrackFile) -> tuple[object, ...]:
    entry, fragments = file.movie.entry, file.fragments
    sidx_range = tuple((each.start, each.end) for each in file.sidx_boxes)
    offsets = (*(each.offset for each in fragments), fragments[-1].offset + fragments[-1].size)
    places = file.init_size, *sidx_range, offsets, tuple(each.duration for each in fragments), file.size
    if isinstance(entry, VideoEntry):
        keyframes = tuple(each.keyframe_end - each.offset for each in fragments)
        picture = entry.width, entry.height, entry.sample_aspect, keyframes
        return AvcConfig.decode(entry.config).codecs, file.movie.timescale, *places, *picture
    config = AacConfig.decode(entry.config)
    return config.codecs, file.movie.timescale, *places, config.channels, file.movie.language


def _fragments(title: Presentation, holds: Callable[[FragmentFacts], bool], fault: str) -> Iterator[str]:
    """A fault for the first fragment of each track for which something does not hold."""
    for track, file in title.tracks():
        broken = next((number for number, each in enumerate(file.fragments, 1) if not holds(each)), None)
        if broken is not None:
            yield f"{track.name}: fragment {broken} {fault}"


CMAF_RULES: tuple[Rule, ...] = (
    brand,
    box_order,
    media_type,
    one_run,
    addresses,
    sequence,
    decode_times,
    no_edit_list,
    no_negative_offset,
    one_start,
    audio_cuts,
    closed_gops,
    gop_lengths,
    switching_set,
    ends_agree,
    colour_and_aspect,
    playable_everywhere,
    segment_index,
    truthful_index,
)
