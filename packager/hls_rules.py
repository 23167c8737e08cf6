"""What a script can check of HLS playlists (RFC 8216bis; numbers are Apple's authoring rules).

A rule yields its faults. Playlists are compared with the bytes of the files, not with the index that they were rendered
from.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, groupby, pairwise

from packager.bandwidth import Bandwidth, largest, measure
from packager.index import Segment
from packager.inspection import FragmentFacts, TrackFile
from packager.playlist_rules import PLAYLIST_RULES, TOLERANCE
from packager.presentation import Presentation, entries, tag_value

Rule = Callable[[Presentation], Iterator[str]]


def variant_attributes(title: Presentation) -> Iterator[str]:
    """9.1, 9.2, 9.14, 9.15: every variant has CODECS, RESOLUTION, AVERAGE-BANDWIDTH and FRAME-RATE."""
    required = {"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS", "RESOLUTION", "FRAME-RATE"}
    for variant in title.tags("EXT-X-STREAM-INF"):
        if missing := required - variant.keys():
            yield f"main.m3u8: a variant lacks {', '.join(sorted(missing))}"
    if len(title.tags("EXT-X-STREAM-INF")) != len(title.video()):
        yield "main.m3u8: there is not one variant for each rendition"


def iframe_attributes(title: Presentation) -> Iterator[str]:
    """6.1, 9.3, 9.4: every rendition has an I-frame variant with CODECS and RESOLUTION."""
    listed = title.tags("EXT-X-I-FRAME-STREAM-INF")
    if sorted(each.get("URI", "") for each in listed) != sorted(
        f"{each.stem}-iframes.m3u8" for each, _ in title.video()
    ):
        yield "main.m3u8: there is not one I-frame playlist for each rendition"
    for each in listed:
        if missing := {"BANDWIDTH", "CODECS", "RESOLUTION"} - each.keys():
            yield f"main.m3u8: an I-frame variant lacks {', '.join(sorted(missing))}"


def true_variants(title: Presentation) -> Iterator[str]:
    """9.1, 9.2, 9.15: CODECS is that of the sample entries, RESOLUTION and FRAME-RATE are those of the pictures."""
    sound = {track.codecs for track, _ in title.audio()}
    rate = f"{float(title.index.timeline.frame_rate):.3f}"
    for name, variant in _variants(title):
        track = title.index.track(name)
        if track is None:
            yield f"main.m3u8: the variant {name} is no track"
            continue
        if set(variant.get("CODECS", "").split(",")) != {track.codecs, *sound}:
            yield f"main.m3u8: the variant {name} has the wrong CODECS"
        if variant.get("RESOLUTION") != f"{track.display_width}x{track.height}" or variant.get("FRAME-RATE") != rate:
            yield f"main.m3u8: the variant {name} has the wrong RESOLUTION or FRAME-RATE"


def declared_rates(title: Presentation) -> Iterator[str]:
    """1.26, 1.27: AVERAGE-BANDWIDTH and BANDWIDTH are within 10 % of what the bytes measure."""
    for name, variant in _variants(title):
        if name not in title.files:
            continue
        measured = _measured(title, name)
        pairs = (("BANDWIDTH", measured.peak), ("AVERAGE-BANDWIDTH", measured.average))
        for attribute, true in pairs:
            if abs(int(variant.get(attribute, 0)) - true) > true * TOLERANCE:
                yield f"main.m3u8: {attribute} of {name} is more than 10 % off the measured {true}"


def peak_to_average(title: Presentation) -> Iterator[str]:
    """1.30: the peak SHOULD be at most twice the average: advice for the encoder, and no fault of the package."""
    for track, _ in title.video():
        measured = _measured(title, track.name)
        if measured.peak > 2 * measured.average:
            yield f"{track.name}: the peak rate {measured.peak} is more than twice the average {measured.average}"


def iframe_ranges(title: Presentation) -> Iterator[str]:
    """6.1: EXT-X-I-FRAMES-ONLY, and each BYTERANGE spans `moof` and the one IDR sample."""
    for track, file in title.video():
        playlist = title.iframes[track.name]
        if "\n#EXT-X-I-FRAMES-ONLY\n" not in playlist:
            yield f"{track.stem}-iframes.m3u8: EXT-X-I-FRAMES-ONLY is missing"
        found = [(each.offset, each.offset + each.size) for each in entries(playlist)]
        if found != [(each.offset, each.keyframe_end) for each in file.fragments]:
            yield f"{track.stem}-iframes.m3u8: a BYTERANGE is not moof and keyframe"


def segment_ranges(title: Presentation) -> Iterator[str]:
    """4.4.4.2: the byte ranges of a media playlist are whole fragments, from the first to the end of the file."""
    for track, file in title.tracks():
        found = entries(title.media[track.name])
        bounds = [*(each.offset for each in found), found[-1].offset + found[-1].size if found else 0]
        contiguous = all(now.offset + now.size == later for now, later in zip(found, bounds[1:], strict=True))
        starts = {each.offset for each in file.fragments}
        if not found or found[0].offset != file.fragments[0].offset or bounds[-1] != file.size:
            yield f"{track.stem}.m3u8: the byte ranges do not cover the file"
        elif not contiguous or not starts.issuperset(bounds[:-1]):
            yield f"{track.stem}.m3u8: a byte range is not whole fragments"


def exact_durations(title: Presentation) -> Iterator[str]:
    """8.1: any run of EXTINF is within one frame of the truth: so far at most may the sums drift apart."""
    for track, file in title.tracks():
        times = {each.offset: Fraction(each.decode_time, file.movie.timescale) for each in file.fragments}
        times[file.size] = Fraction(file.end, file.movie.timescale)
        found = entries(title.media[track.name])
        told = list(accumulate((each.duration for each in found), initial=Fraction(0)))
        bounds = [*(each.offset for each in found), file.size]
        drifts = [clock - times.get(bound, clock) for clock, bound in zip(told, bounds, strict=True)]
        if max(drifts) - min(drifts) > title.index.timeline.frame_duration:
            yield f"{track.stem}.m3u8: a run of EXTINF is more than a frame off"


def target_durations(title: Presentation) -> Iterator[str]:
    """7.5, 7.7, 8.2: one target duration for sound and picture, and no segment more than half a second longer."""
    targets = {tag_value(playlist, "EXT-X-TARGETDURATION") for playlist in title.media.values()}
    if len(targets) > 1:
        yield "the media playlists do not share one EXT-X-TARGETDURATION"
    for name, playlist in title.playlists():
        target = Fraction(tag_value(playlist, "EXT-X-TARGETDURATION") or 0)
        if any(each.duration >= target + Fraction(1, 2) for each in entries(playlist)):
            yield f"{name}: a segment is longer than EXT-X-TARGETDURATION allows"


def complete_playlists(title: Presentation) -> Iterator[str]:
    """7.3, 8.20: segments are independent; playlists are VOD, with EXT-X-MAP and EXT-X-ENDLIST."""
    if "\n#EXT-X-INDEPENDENT-SEGMENTS\n" not in title.main:
        yield "main.m3u8: EXT-X-INDEPENDENT-SEGMENTS is missing"
    for name, playlist in title.playlists():
        expected = f'URI="{name}",BYTERANGE="{title.files[name].init_size}@0"'
        if tag_value(playlist, "EXT-X-MAP") != expected:
            yield f"{name}: EXT-X-MAP is not the header of the file"
        if tag_value(playlist, "EXT-X-PLAYLIST-TYPE") != "VOD" or not playlist.endswith("\n#EXT-X-ENDLIST\n"):
            yield f"{name}: the playlist is not a complete VOD playlist"


def audio_groups(title: Presentation) -> Iterator[str]:
    """8.9, 8.10: sound is in groups with NAME, DEFAULT, AUTOSELECT, CHANNELS, and LANGUAGE where it is known."""
    media = title.tags("EXT-X-MEDIA")
    if len(media) != len(title.audio()):
        yield "main.m3u8: there is not one EXT-X-MEDIA for each audio track"
    for (track, _), each in zip(title.audio(), media, strict=False):
        required = {"TYPE", "GROUP-ID", "NAME", "DEFAULT", "AUTOSELECT", "CHANNELS", "URI"}
        if missing := required - each.keys() | ({"LANGUAGE"} - each.keys() if track.language != "und" else set()):
            yield f"main.m3u8: the sound {track.name} lacks {', '.join(sorted(missing))}"
    if len({each.get("NAME") for each in media}) != len(media):
        yield "main.m3u8: two audio tracks have the same NAME"
    if media and [each.get("DEFAULT") for each in media].count("YES") != 1:
        yield "main.m3u8: there is not exactly one default audio track"
    groups = {each.get("GROUP-ID") for each in media} or {None}
    if {variant.get("AUDIO") for variant in title.tags("EXT-X-STREAM-INF")} != groups:
        yield "main.m3u8: a variant does not name the audio group"


def _variants(title: Presentation) -> Iterator[tuple[str, dict[str, str]]]:
    """The name of the track and the attributes of every variant."""
    lines = title.main.splitlines()
    uris = [uri for tag, uri in pairwise(lines) if tag.startswith("#EXT-X-STREAM-INF:")]
    for uri, variant in zip(uris, title.tags("EXT-X-STREAM-INF"), strict=True):
        yield uri.removesuffix(".m3u8") + ".mp4", variant


def _measured(title: Presentation, name: str) -> Bandwidth:
    """The rates of a rendition with the largest sound beside it, from the bytes of the files."""
    sound = [_measure(title, file) for _, file in title.audio()]
    return _measure(title, title.files[name]) + largest(sound)


def _measure(title: Presentation, file: TrackFile) -> Bandwidth:
    target = int(tag_value(next(iter(title.media.values())), "EXT-X-TARGETDURATION") or 1)
    return measure(_segments(file.fragments, title.index.timeline.segment_gops), file.movie.timescale, target)


def _segments(fragments: Sequence[FragmentFacts], segment_gops: int) -> list[Segment]:
    """The segments that fragments make."""
    groups = groupby(enumerate(fragments), lambda numbered: numbered[0] // segment_gops)
    members = [[each for _, each in group] for _, group in groups]
    return [
        Segment(group[0].offset, sum(each.size for each in group), sum(each.duration for each in group))
        for group in members
    ]


HLS_RULES: tuple[Rule, ...] = (
    variant_attributes,
    iframe_attributes,
    true_variants,
    declared_rates,
    iframe_ranges,
    segment_ranges,
    exact_durations,
    target_durations,
    complete_playlists,
    audio_groups,
    *PLAYLIST_RULES,
)
