"""The DASH manifest, computed from the asset index (ISO/IEC 23009-1, on-demand profile; DASH-IF IOP 4.3).

One Representation is one track file, addressed by its `sidx`. Content begins at T0 in every track, so every
Representation subtracts T0: the Period starts with the first picture.
"""

from fractions import Fraction
from math import ceil
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from packager.bandwidth import buffer_time, measure
from packager.index import AssetIndex, Track
from packager.languages import bcp47

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
ON_DEMAND_PROFILE = "urn:mpeg:dash:profile:isoff-on-demand:2011"
ROLE_SCHEME = "urn:mpeg:dash:role:2011"
CHANNEL_SCHEME = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


def manifest(index: AssetIndex, max_height: int = 0) -> str:
    """The MPD, with the renditions whose rung is within `max_height` (0: all)."""
    rates = {track.name: _rate(index, track) for track in index.offered(max_height)}
    longest_wait = max(
        buffer_time(index.segments(track), track.timescale, rates[track.name]) for track in index.offered(max_height)
    )
    document = Element(
        "MPD",
        {
            "xmlns": NAMESPACE,
            "profiles": ON_DEMAND_PROFILE,
            "type": "static",
            "mediaPresentationDuration": f"PT{float(index.timeline.duration):.6f}S",
            "minBufferTime": f"PT{ceil(longest_wait * 1000) / 1000:.3f}S",
        },
    )
    period = SubElement(document, "Period", id="0", start="PT0S")
    _video(period, index, index.video(max_height), rates)
    default = next((track for track in index.audio() if track.default), None)
    for number, track in enumerate(index.audio(), 1):
        adaptation_set = _audio(period, track, number, main=track is default or (default is None and number == 1))
        _representation(adaptation_set, index, track, rates[track.name])
    indent(document)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(document, encoding="unicode") + "\n"


def _rate(index: AssetIndex, track: Track) -> int:
    return measure(index.segments(track), track.timescale, index.target_duration).peak


def _adaptation_set(period: Element, number: int, kind: str) -> Element:
    """An AdaptationSet (5.3.3) whose Subsegments are aligned and start with a picture or sound that decodes alone."""
    attributes = {
        "id": str(number),
        "contentType": kind,
        "mimeType": f"{kind}/mp4",
        "subsegmentAlignment": "true",
        "subsegmentStartsWithSAP": "1",
    }
    return SubElement(period, "AdaptationSet", attributes)


def _role(adaptation_set: Element, value: str) -> None:
    """What a set is for (5.8.5.5)."""
    SubElement(adaptation_set, "Role", schemeIdUri=ROLE_SCHEME, value=value)


def _video(period: Element, index: AssetIndex, tracks: tuple[Track, ...], rates: dict[str, int]) -> None:
    """The switching set: all renditions, tallest first."""
    adaptation_set = _adaptation_set(period, 0, "video")
    frame_rate = index.timeline.frame_rate
    adaptation_set.attrib |= {
        "maxWidth": str(max(track.width for track in tracks)),
        "maxHeight": str(max(track.height for track in tracks)),
        "frameRate": f"{frame_rate.numerator}/{frame_rate.denominator}"
        if frame_rate.denominator > 1
        else str(frame_rate),
        "par": _ratio(Fraction(tracks[0].width, tracks[0].height) * tracks[0].sample_aspect),
    }
    _role(adaptation_set, "main")
    for track in tracks:
        _representation(adaptation_set, index, track, rates[track.name])


def _audio(period: Element, track: Track, number: int, *, main: bool) -> Element:
    """A set of one audio track."""
    adaptation_set = _adaptation_set(period, number, "audio")
    if language := bcp47(track.language):
        adaptation_set.set("lang", language)
    if track.label:
        SubElement(adaptation_set, "Label").text = track.label
    _role(adaptation_set, "main" if main else "alternate")
    return adaptation_set


def _representation(adaptation_set: Element, index: AssetIndex, track: Track, rate: int) -> None:
    """A Representation (5.3.5): one file, its `sidx` and its header as byte ranges (5.3.9.2)."""
    attributes = {"id": track.stem, "bandwidth": str(rate), "codecs": track.codecs}
    if track.kind == "video":
        attributes |= {"width": str(track.width), "height": str(track.height), "sar": _ratio(track.sample_aspect)}
    else:
        attributes["audioSamplingRate"] = str(track.timescale)
    representation = SubElement(adaptation_set, "Representation", attributes)
    if track.kind == "audio":
        channels = str(track.channels)
        SubElement(representation, "AudioChannelConfiguration", schemeIdUri=CHANNEL_SCHEME, value=channels)
    SubElement(representation, "BaseURL").text = track.name
    first, end = track.sidx_range
    addressing = {
        "indexRange": f"{first}-{end - 1}",
        "indexRangeExact": "true",
        "timescale": str(track.timescale),
        "presentationTimeOffset": str(round(index.timeline.lead_in * track.timescale)),
    }
    segment_base = SubElement(representation, "SegmentBase", addressing)
    SubElement(segment_base, "Initialization", range=f"0-{track.init_size - 1}")


def _ratio(ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator}"
