"""Whether HLS playlists tell the truth where nothing else would show it (RFC 8216bis; numbers are Apple's rules).

A rule yields its faults. What playlists say is compared with the files, as in `packager.hls_rules`.
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import accumulate

from packager.bandwidth import Bandwidth, measure
from packager.index import Segment, whole_seconds
from packager.inspection import TrackFile
from packager.languages import bcp47
from packager.presentation import Presentation, entries

Rule = Callable[[Presentation], Iterator[str]]

TOLERANCE = Fraction(1, 10)
"""By how much a declared rate may differ from the measured one (1.26, 1.27)."""
LEAST_VERSION = 6
"""The protocol version in which media playlists may have EXT-X-MAP (8)."""


def playlist_heads(title: Presentation) -> Iterator[str]:
    """4.4.1.1, 4.4.1.2, 8: every playlist begins with EXTM3U and tells a version that has all that is in it."""
    for name, playlist in (("main.m3u8", title.main), *title.playlists()):
        versions = re.findall(r"^#EXT-X-VERSION:(\d+)$", playlist, re.MULTILINE)
        if not playlist.startswith("#EXTM3U\n") or len(versions) != 1 or int(versions[0]) < LEAST_VERSION:
            yield f"{name}: the playlist does not begin with EXTM3U, or has no single EXT-X-VERSION of at least 6"


def own_files(title: Presentation) -> Iterator[str]:
    """8.18, 4.4.4.2: every segment is a part of the playlist's own track, at a relative URI."""
    for name, playlist in title.playlists():
        uris = re.findall(r"^[^#\n].*$", playlist, re.MULTILINE)
        if set(uris) != {name} or len(uris) != len(entries(playlist)):
            yield f"{name}: a segment is not a byte range of the file"


def keyframe_durations(title: Presentation) -> Iterator[str]:
    """6.1, 8.1: each picture of an I-frame playlist lasts, within a frame, until the next."""
    for track, file in title.video():
        told = accumulate((each.duration for each in entries(title.iframes[track.name])), initial=Fraction(0))
        ticks = [*(each.decode_time for each in file.fragments), file.end]
        times = [Fraction(each, file.movie.timescale) for each in ticks]
        if any(
            abs(clock - time) > title.index.timeline.frame_duration for clock, time in zip(told, times, strict=False)
        ):
            yield f"{track.stem}-iframes.m3u8: a picture does not last until the next"


def true_iframe_variants(title: Presentation) -> Iterator[str]:
    """1.26, 1.27, 9.3, 9.4: I-frame variants have the CODECS, the RESOLUTION and the rates of their pictures."""
    for each in title.tags("EXT-X-I-FRAME-STREAM-INF"):
        name = each.get("URI", "").removesuffix("-iframes.m3u8") + ".mp4"
        track = title.index.track(name)
        if track is None or name not in title.files:
            yield f"main.m3u8: the I-frame variant {name} is no track"
            continue
        size = f"{track.display_width}x{track.height}"
        if (each.get("CODECS"), each.get("RESOLUTION")) != (track.codecs, size):
            yield f"main.m3u8: the I-frame variant {name} has the wrong CODECS or RESOLUTION"
        measured = _keyframe_rates(title.files[name])
        for attribute, true in (("BANDWIDTH", measured.peak), ("AVERAGE-BANDWIDTH", measured.average)):
            if abs(int(each.get(attribute, 0)) - true) > true * TOLERANCE:
                yield f"main.m3u8: {attribute} of the keyframes of {name} is more than 10 % off the measured {true}"


def _keyframe_rates(file: TrackFile) -> Bandwidth:
    """The rates of the keyframes alone, from the bytes of the file."""
    pictures = [Segment(each.offset, each.keyframe_end - each.offset, each.duration) for each in file.fragments]
    return measure(pictures, file.movie.timescale, whole_seconds(pictures, file.movie.timescale))


def true_sound(title: Presentation) -> Iterator[str]:
    """8.9; 4.4.6.1: TYPE, LANGUAGE, CHANNELS and URI are those of the track, and the default is selected by itself."""
    for (track, _), each in zip(title.audio(), title.tags("EXT-X-MEDIA"), strict=False):
        found = tuple(each.get(name, "") for name in ("TYPE", "LANGUAGE", "CHANNELS", "URI"))
        if found != ("AUDIO", bcp47(track.language), str(track.channels), f"{track.stem}.m3u8"):
            yield f"main.m3u8: the sound {track.name} has the wrong TYPE, LANGUAGE, CHANNELS or URI"
        if each.get("DEFAULT") == "YES" and each.get("AUTOSELECT") != "YES":
            yield f"main.m3u8: the sound {track.name} is the default and not selected by itself"


PLAYLIST_RULES: tuple[Rule, ...] = (
    playlist_heads,
    own_files,
    keyframe_durations,
    true_iframe_variants,
    true_sound,
)
