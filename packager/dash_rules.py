"""What a script can check of the DASH manifest (ISO/IEC 23009-1, on-demand profile; DASH-IF IOP 4.3).

A rule yields its faults.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

from packager.bandwidth import buffer_time
from packager.dash import CHANNEL_SCHEME, ON_DEMAND_PROFILE, ROLE_SCHEME
from packager.index import Segment
from packager.inspection import TrackFile
from packager.languages import bcp47
from packager.presentation import Presentation, dash

Rule = Callable[[Presentation], Iterator[str]]


def on_demand(title: Presentation) -> Iterator[str]:
    """5.3.1.2, 8.3: static, of the on-demand profile, and as long as the content."""
    root = title.document()
    if root.get("type") != "static" or ON_DEMAND_PROFILE not in root.get("profiles", ""):
        yield "main.mpd: it is not a static presentation of the on-demand profile"
    if abs(_seconds(root.get("mediaPresentationDuration")) - title.index.timeline.duration) > Fraction(1, 1000):
        yield "main.mpd: mediaPresentationDuration is not the duration of the content"


def every_track(title: Presentation) -> Iterator[str]:
    """5.3.5: every track is one Representation, and every Representation one track of the set's kind."""
    found = title.representations()
    if sorted(track.name for _, _, track in found) != sorted(track.name for track in title.index.tracks):
        yield "main.mpd: there is not one Representation for each track"
    for adaptation_set, _, track in found:
        if (adaptation_set.get("contentType"), adaptation_set.get("mimeType")) != (track.kind, f"{track.kind}/mp4"):
            yield f"main.mpd: {track.name} is in a set of another kind"


def self_initialising(title: Presentation) -> Iterator[str]:
    """5.3.9.2: indexRange is that of the `sidx`, Initialization that of the header, timescale that of `mdhd`."""
    for _, representation, track in title.representations():
        base = representation.find(dash("SegmentBase"))
        header = representation.find(f"{dash('SegmentBase')}/{dash('Initialization')}")
        file = title.files[track.name]
        found = base is not None and (base.get("indexRange"), base.get("timescale"))
        ranges = [f"{each.start}-{each.end - 1}" for each in file.sidx_boxes]
        if header is None or header.get("range") != f"0-{file.init_size - 1}":
            yield f"main.mpd: Initialization@range of {track.name} is not its header"
        if [found] != [(each, str(file.movie.timescale)) for each in ranges]:
            yield f"main.mpd: SegmentBase of {track.name} is not its sidx"


def one_start(title: Presentation) -> Iterator[str]:
    """5.3.9.2: presentationTimeOffset maps T0, where content begins in every track, to the start of the Period."""
    for _, representation, track in title.representations():
        base = representation.find(dash("SegmentBase"))
        offset = int(base.get("presentationTimeOffset", 0)) if base is not None else 0
        if abs(Fraction(offset, track.timescale) - title.index.timeline.lead_in) > Fraction(1, track.timescale):
            yield f"main.mpd: presentationTimeOffset of {track.name} is not T0"


def aligned_sets(title: Presentation) -> Iterator[str]:
    """8.3.3: Subsegments of every set are aligned and start with a SAP of type 1."""
    for adaptation_set in title.document().iter(dash("AdaptationSet")):
        found = adaptation_set.get("subsegmentAlignment"), adaptation_set.get("subsegmentStartsWithSAP")
        if found != ("true", "1"):
            yield f"main.mpd: AdaptationSet {adaptation_set.get('id')} is not aligned or does not start with SAP 1"


def true_codecs(title: Presentation) -> Iterator[str]:
    """5.3.7: @codecs is that of the decoder configuration."""
    for _, representation, track in title.representations():
        if representation.get("codecs") != track.codecs:
            yield f"main.mpd: @codecs of {track.name} is not {track.codecs}"


def pictures(title: Presentation) -> Iterator[str]:
    """5.3.7: video sets have maxWidth, maxHeight, frameRate and par, their Representations width, height and sar."""
    rate = title.index.timeline.frame_rate
    for adaptation_set, representation, track in title.representations():
        if track.kind != "video":
            continue
        if (adaptation_set.get("maxWidth"), adaptation_set.get("maxHeight")) != (
            str(max(each.width for each, _ in title.video())),
            str(max(each.height for each, _ in title.video())),
        ):
            yield "main.mpd: maxWidth and maxHeight are not those of the largest rendition"
        if Fraction(adaptation_set.get("frameRate", 0)) != rate or ":" not in adaptation_set.get("par", ""):
            yield "main.mpd: frameRate or par of the video set is wrong"
        size = representation.get("width"), representation.get("height"), representation.get("sar")
        aspect = f"{track.sample_aspect.numerator}:{track.sample_aspect.denominator}"
        if size != (str(track.width), str(track.height), aspect):
            yield f"main.mpd: width, height or sar of {track.name} is wrong"


def sound(title: Presentation) -> Iterator[str]:
    """5.8.5.4, 5.3.3: sound has AudioChannelConfiguration, and @lang where the language is known."""
    for adaptation_set, representation, track in title.representations():
        if track.kind != "audio":
            continue
        channels = representation.find(f"{dash('AudioChannelConfiguration')}[@schemeIdUri='{CHANNEL_SCHEME}']")
        if channels is None or channels.get("value") != str(track.channels):
            yield f"main.mpd: AudioChannelConfiguration of {track.name} is missing or wrong"
        if adaptation_set.get("lang", "") != bcp47(track.language):
            yield f"main.mpd: @lang of {track.name} is wrong"


def roles(title: Presentation) -> Iterator[str]:
    """5.8.5.5: every set has a Role, and one of each kind is the main one."""
    main = []
    for adaptation_set in title.document().iter(dash("AdaptationSet")):
        role = adaptation_set.find(f"{dash('Role')}[@schemeIdUri='{ROLE_SCHEME}']")
        if role is None:
            yield f"main.mpd: AdaptationSet {adaptation_set.get('id')} has no Role"
        elif role.get("value") == "main":
            main.append(adaptation_set.get("contentType"))
    if sorted(map(str, main)) != sorted({track.kind for track in title.index.tracks}):
        yield "main.mpd: there is not one main set of each kind"


def min_buffer_time(title: Presentation) -> Iterator[str]:
    """5.3.5.4: received at @bandwidth, every segment is there when it is due after minBufferTime."""
    wait = _seconds(title.document().get("minBufferTime"))
    for _, representation, track in title.representations():
        file = title.files[track.name]
        bandwidth = int(representation.get("bandwidth", 0))
        if bandwidth <= 0 or buffer_time(_segments(title, file), file.movie.timescale, bandwidth) > wait:
            yield f"main.mpd: minBufferTime does not hold for {track.name}"


def _segments(title: Presentation, file: TrackFile) -> list[Segment]:
    """The segments of a file, as its `sidx` has them."""
    return [Segment(0, each.size, each.duration) for sidx in file.indexes for each in sidx.references]


def _seconds(duration: str | None) -> Fraction:
    """A duration in seconds, as we write it (ISO 8601)."""
    return Fraction((duration or "PT0S").removeprefix("PT").removesuffix("S"))


DASH_RULES: tuple[Rule, ...] = (
    on_demand,
    every_track,
    self_initialising,
    one_start,
    aligned_sets,
    true_codecs,
    pictures,
    sound,
    roles,
    min_buffer_time,
)
