"""HLS playlists, computed from the asset index (RFC 8216bis; numbers in brackets are Apple's authoring rules).

Every URI is relative: playlists are the same for every viewer, and inherit the token in the path of the main playlist.
"""

from collections.abc import Iterable, Iterator, Sequence

from packager.bandwidth import Bandwidth, keyframes, largest, measure
from packager.index import AssetIndex, Segment, Track, whole_seconds
from packager.languages import bcp47

VERSION = 7
AUDIO_GROUP = "audio"
FIRST_VARIANT_RATE = 2_000_000
"""Bits per second of the variant that players start with (1.22)."""
MICROSECONDS = 1_000_000


def main_playlist(index: AssetIndex, max_height: int = 0) -> str:
    """The main playlist, with the renditions whose rung is within `max_height` (0: all)."""
    sound = largest(_measure(index, track) for track in index.audio())
    variants = [(track, _measure(index, track) + sound) for track in index.video(max_height)]
    first = min(variants, key=lambda variant: abs(variant[1].average - FIRST_VARIANT_RATE))
    variants.sort(key=lambda variant: variant is not first)
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += _media(index.audio())
    for track, bandwidth in variants:
        lines += _variant(index, track, bandwidth)
    lines += [_keyframe_variant(track) for track, _ in variants]
    return _text(lines)


def media_playlist(index: AssetIndex, track: Track) -> str:
    """The media playlist of a track: its segments as byte ranges."""
    return _text(_playlist(track, index.segments(track), index.target_duration))


def iframe_playlist(track: Track) -> str:
    """The I-frame playlist of a video track (6.1): of each fragment the `moof` and the keyframe."""
    pictures = keyframes(track)
    return _text(_playlist(track, pictures, whole_seconds(pictures, track.timescale), "#EXT-X-I-FRAMES-ONLY"))


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _measure(index: AssetIndex, track: Track) -> Bandwidth:
    return measure(index.segments(track), track.timescale, index.target_duration)


def _media(tracks: Sequence[Track]) -> Iterator[str]:
    """EXT-X-MEDIA of every audio track (4.4.6.1; 8.9, 8.10).

    Names in a group differ, at most one member is the default, and players select automatically among members of
    different languages only.
    """
    default = next((track for track in tracks if track.default), tracks[0] if tracks else None)
    names: set[str] = set()
    automatic = {track.language: track for track in (*reversed(tracks), default) if track}
    for track in tracks:
        language = bcp47(track.language)
        name = _distinct(track.label or language or "Audio", names)
        names.add(name)
        attributes = [
            "TYPE=AUDIO",
            f'GROUP-ID="{AUDIO_GROUP}"',
            *([f'LANGUAGE="{language}"'] if language else []),
            f'NAME="{name}"',
            f"DEFAULT={_yes(track is default)}",
            f"AUTOSELECT={_yes(automatic[track.language] is track)}",
            f'CHANNELS="{track.channels}"',
            f'URI="{track.stem}.m3u8"',
        ]
        yield "#EXT-X-MEDIA:" + ",".join(attributes)


def _distinct(name: str, taken: set[str]) -> str:
    """The name, with a number after it when it is taken."""
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _yes(condition: bool) -> str:
    return "YES" if condition else "NO"


def _variant(index: AssetIndex, track: Track, bandwidth: Bandwidth) -> list[str]:
    """EXT-X-STREAM-INF (4.4.6.2) with all that 9.1, 9.2, 9.14 and 9.15 ask for, and the URI."""
    codecs = dict.fromkeys([track.codecs, *(each.codecs for each in index.audio())])
    attributes = [
        *_rates_and_picture(track, bandwidth, ",".join(codecs)),
        f"FRAME-RATE={float(index.timeline.frame_rate):.3f}",
        *([f'AUDIO="{AUDIO_GROUP}"'] if index.audio() else []),
    ]
    return ["#EXT-X-STREAM-INF:" + ",".join(attributes), f"{track.stem}.m3u8"]


def _keyframe_variant(track: Track) -> str:
    """EXT-X-I-FRAME-STREAM-INF (4.4.6.3; 9.3, 9.4)."""
    pictures = keyframes(track)
    bandwidth = measure(pictures, track.timescale, whole_seconds(pictures, track.timescale))
    attributes = [*_rates_and_picture(track, bandwidth, track.codecs), f'URI="{track.stem}-iframes.m3u8"']
    return "#EXT-X-I-FRAME-STREAM-INF:" + ",".join(attributes)


def _rates_and_picture(track: Track, bandwidth: Bandwidth, codecs: str) -> list[str]:
    return [
        f"BANDWIDTH={bandwidth.peak}",
        f"AVERAGE-BANDWIDTH={bandwidth.average}",
        f'CODECS="{codecs}"',
        f"RESOLUTION={track.display_width}x{track.height}",
    ]


def _playlist(track: Track, segments: Sequence[Segment], target_duration: int, *tags: str) -> Iterator[str]:
    """A VOD playlist of byte ranges (4.4.3, 4.4.4).

    Durations are differences of rounded times, so that rounding never adds up over a run of segments (8.1).
    """
    yield from ("#EXTM3U", f"#EXT-X-VERSION:{VERSION}", f"#EXT-X-TARGETDURATION:{target_duration}")
    yield from ("#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS", *tags)
    yield f'#EXT-X-MAP:URI="{track.name}",BYTERANGE="{track.init_size}@0"'
    ticks = start = 0
    for offset, size, duration in segments:
        ticks += duration
        end = (2 * ticks * MICROSECONDS + track.timescale) // (2 * track.timescale)
        seconds, fraction = divmod(end - start, MICROSECONDS)
        yield f"#EXTINF:{seconds}.{fraction:06},\n#EXT-X-BYTERANGE:{size}@{offset}\n{track.name}"
        start = end
    yield "#EXT-X-ENDLIST"
