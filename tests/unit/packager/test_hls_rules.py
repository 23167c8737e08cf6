"""Each rule of HLS playlists, broken in the text, and the fault that says so."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from packager.hls_rules import HLS_RULES, peak_to_average
from packager.index import AssetIndex
from packager.presentation import Presentation

Break = Callable[[Presentation], Presentation]


@pytest.fixture
def presentation(title: tuple[AssetIndex, Path]) -> Presentation:
    return Presentation.load(*title)


def faults(presentation: Presentation) -> list[str]:
    return [fault for rule in HLS_RULES for fault in rule(presentation)]


def main(pattern: str, text: str, count: int = 1) -> Break:
    """Replaces text in the main playlist."""

    def change(presentation: Presentation) -> Presentation:
        broken, times = re.subn(pattern, text, presentation.main, count=count)
        assert times
        return replace(presentation, main=broken)

    return change


def media(pattern: str, text: str, name: str = "v180.mp4", *, iframes: bool = False) -> Break:
    """Replaces text in a media or I-frame playlist."""

    def change(presentation: Presentation) -> Presentation:
        playlists = presentation.iframes if iframes else presentation.media
        broken, times = re.subn(pattern, text, playlists[name], count=1)
        assert times
        changed = playlists | {name: broken}
        return replace(presentation, iframes=changed) if iframes else replace(presentation, media=changed)

    return change


CASES: dict[str, tuple[Break, str]] = {
    "1.26 average": (
        main(r",AVERAGE-BANDWIDTH=\d+", ",AVERAGE-BANDWIDTH=1000"),
        "AVERAGE-BANDWIDTH of v180.mp4 is more",
    ),
    "1.27 peak": (main(r":BANDWIDTH=", ":BANDWIDTH=9"), "BANDWIDTH of v180.mp4 is more than 10 % off"),
    "6.1 listed": (main(r"#EXT-X-I-FRAME-STREAM-INF.*\n", ""), "not one I-frame playlist for each rendition"),
    "6.1 tag": (media("#EXT-X-I-FRAMES-ONLY\n", "", iframes=True), "EXT-X-I-FRAMES-ONLY is missing"),
    "6.1 range": (media(r"BYTERANGE:(\d)", r"BYTERANGE:1\1", iframes=True), "a BYTERANGE is not moof and keyframe"),
    "7.3": (main("#EXT-X-INDEPENDENT-SEGMENTS\n", ""), "EXT-X-INDEPENDENT-SEGMENTS is missing"),
    "7.7": (media(r"TARGETDURATION:\d", "TARGETDURATION:1"), "longer than EXT-X-TARGETDURATION allows"),
    "8.1": (media(r"#EXTINF:2\.0", "#EXTINF:2.1"), "a run of EXTINF is more than a frame off"),
    "8.2": (media(r"TARGETDURATION:\d", "TARGETDURATION:7"), "do not share one EXT-X-TARGETDURATION"),
    "8.9 every track": (main(r"#EXT-X-MEDIA.*\n", ""), "not one EXT-X-MEDIA for each audio track"),
    "8.9 attributes": (main(r",CHANNELS=\"2\"", ""), "the sound a0-eng.mp4 lacks CHANNELS"),
    "8.9 language": (main(r",LANGUAGE=\"en\"", ""), "the sound a0-eng.mp4 lacks LANGUAGE"),
    "8.9 names": (main("Deutsch", "English"), "two audio tracks have the same NAME"),
    "8.9 default": (main("DEFAULT=YES", "DEFAULT=NO"), "not exactly one default"),
    "8.10 group": (main(',AUDIO="audio"', ""), "does not name the audio group"),
    "8.20": (media("#EXT-X-ENDLIST\n", ""), "not a complete VOD playlist"),
    "VOD": (media("TYPE:VOD", "TYPE:EVENT"), "not a complete VOD playlist"),
    "EXT-X-MAP": (media("@0", "@1"), "EXT-X-MAP is not the header of the file"),
    "9.1": (main(r"CODECS=\"[^\"]*\",", ""), "a variant lacks CODECS"),
    "9.1 truth": (main(r"avc1\.", "avc1.4d"), "has the wrong CODECS"),
    "9.2": (main(r"RESOLUTION=\d+x\d+,", ""), "a variant lacks RESOLUTION"),
    "9.2 truth": (main("RESOLUTION=320", "RESOLUTION=322"), "has the wrong RESOLUTION"),
    "9.3": (main(r"(I-FRAME-STREAM-INF.*),CODECS=\"[^\"]*\"", r"\1"), "an I-frame variant lacks CODECS"),
    "9.14": (main(r",AVERAGE-BANDWIDTH=\d+", ""), "a variant lacks AVERAGE-BANDWIDTH"),
    "9.15": (main(r",FRAME-RATE=[\d.]+", ""), "a variant lacks FRAME-RATE"),
    "1.27 keyframes": (main(r"(I-FRAME-STREAM-INF:BANDWIDTH=)", r"\g<1>9"), "BANDWIDTH of the keyframes of v180.mp4"),
    "1.26 keyframes": (
        main(r"(I-FRAME-STREAM-INF.*),AVERAGE-BANDWIDTH=\d+", r"\1"),
        "AVERAGE-BANDWIDTH of the keyframes of v180.mp4",
    ),
    "8.1 keyframes": (media("#EXTINF:1.0", "#EXTINF:1.1", iframes=True), "a picture does not last until the next"),
    "8.9 truth of language": (main('LANGUAGE="en"', 'LANGUAGE="fr"'), "the sound a0-eng.mp4 has the wrong TYPE"),
    "8.9 truth of channels": (main('CHANNELS="2"', 'CHANNELS="6"'), "the sound a0-eng.mp4 has the wrong TYPE"),
    "8.9 truth of URI": (main("a1-deu.m3u8", "a0-eng.m3u8"), "the sound a1-deu.mp4 has the wrong TYPE"),
    "default is selected": (main("AUTOSELECT=YES", "AUTOSELECT=NO"), "the default and not selected by itself"),
    "8.18": (media(r"\nv180\.mp4", "\nhttps://films.example/v180.mp4"), "a segment is not a byte range of the file"),
    "other file": (media(r"\nv180\.mp4", "\nv90.mp4"), "a segment is not a byte range of the file"),
    "9.3 truth": (main(r"(I-FRAME.*)avc1\.", r"\1avc1.4d"), "I-frame variant v180.mp4 has the wrong CODECS"),
    "9.4 truth": (main(r"(I-FRAME.*)RESOLUTION=320", r"\1RESOLUTION=322"), "I-frame variant v180.mp4 has the wrong"),
    "unknown I-frame track": (main("v180-iframes", "v999-iframes"), "the I-frame variant v999.mp4 is no track"),
    "EXTM3U": (main("#EXTM3U\n", ""), "main.m3u8: the playlist does not begin with EXTM3U"),
    "version": (media("VERSION:7", "VERSION:5"), "no single EXT-X-VERSION of at least 6"),
    "one version": (media("(#EXT-X-VERSION:7\n)", r"\1\1"), "no single EXT-X-VERSION of at least 6"),
    "variants": (main(r"#EXT-X-STREAM-INF.*\n.*\n", ""), "not one variant for each rendition"),
    "unknown track": (main(r"\nv180\.m3u8", "\nv999.m3u8"), "the variant v999.mp4 is no track"),
    "ranges cover": (media(r"#EXTINF.*\n.*\n.*\n", ""), "the byte ranges do not cover the file"),
    "ranges are fragments": (media(r"BYTERANGE:(\d+)@", r"BYTERANGE:1\1@"), "a byte range is not whole fragments"),
}


@pytest.mark.parametrize(("change", "fault"), CASES.values(), ids=CASES.keys())
def test_a_broken_rule_is_a_fault(presentation: Presentation, change: Break, fault: str) -> None:
    assert faults(presentation) == []
    assert any(fault in found for found in faults(change(presentation)))


def test_1_30_a_peak_of_more_than_twice_the_average_is_advice_and_no_fault(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    short = Presentation.load(replace(index, timeline=replace(index.timeline, segment_gops=1)), directory)
    file = short.files["v180.mp4"]
    first, *others = file.fragments
    uneven = replace(file, fragments=(replace(first, size=10**6), *(replace(each, size=1) for each in others)))
    assert list(peak_to_average(short)) == []
    (found,) = peak_to_average(replace(short, files=short.files | {"v180.mp4": uneven}))
    assert "more than twice the average" in found
    assert peak_to_average not in HLS_RULES
