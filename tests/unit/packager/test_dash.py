"""The DASH manifest, rule by rule (ISO/IEC 23009-1, on-demand profile; DASH-IF IOP 4.3)."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from lxml import etree

from packager.bandwidth import buffer_time
from packager.dash import manifest
from packager.index import AssetIndex
from tests.unit.packager.films import two_hours

FILM = two_hours()
NAMESPACES = {"m": "urn:mpeg:dash:schema:mpd:2011"}


def parse(index: AssetIndex, max_height: int = 0) -> etree._Element:
    return etree.fromstring(manifest(index, max_height).encode())


def attributes(root: etree._Element, path: str) -> list[dict[str, str]]:
    return [{str(k): str(v) for k, v in each.attrib.items()} for each in root.iterfind(path, NAMESPACES)]


MPD = parse(FILM)


def test_it_is_static_on_demand_and_as_long_as_the_content() -> None:
    assert MPD.get("type") == "static"
    assert MPD.get("profiles") == "urn:mpeg:dash:profile:isoff-on-demand:2011"
    assert MPD.get("mediaPresentationDuration") == "PT7207.200000S"


def test_min_buffer_time_holds_for_every_representation() -> None:
    wait = Fraction((MPD.get("minBufferTime") or "")[2:-1])
    for each in attributes(MPD, ".//m:Representation"):
        track = FILM.track(each["id"] + ".mp4")
        assert track
        assert buffer_time(FILM.segments(track), track.timescale, int(each["bandwidth"])) <= wait


def test_every_representation_is_one_self_initialising_file() -> None:
    for node in MPD.iterfind(".//m:Representation", NAMESPACES):
        track = FILM.track(node.findtext("m:BaseURL", "", NAMESPACES))
        assert track
        (base,) = attributes(node, "m:SegmentBase")
        assert base["indexRange"] == f"{track.init_size}-{track.sidx_range[1] - 1}"
        assert base["timescale"] == str(track.timescale)
        assert attributes(node, "m:SegmentBase/m:Initialization") == [{"range": f"0-{track.init_size - 1}"}]


def test_the_index_range_is_that_of_the_real_sidx(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    for node in parse(index).iterfind(".//m:Representation", NAMESPACES):
        data = (directory / node.findtext("m:BaseURL", "", NAMESPACES)).read_bytes()
        first, last = map(int, attributes(node, "m:SegmentBase")[0]["indexRange"].split("-"))
        assert data[first + 4 : first + 8] == b"sidx"
        assert int.from_bytes(data[first : first + 4]) == last + 1 - first
        assert data[last + 5 : last + 9] == b"moof"


def test_t0_is_the_start_of_the_period_in_sound_and_picture() -> None:
    for base in attributes(MPD, ".//m:SegmentBase"):
        offset = Fraction(int(base["presentationTimeOffset"]), int(base["timescale"]))
        assert abs(offset - FILM.timeline.lead_in) < Fraction(1, 48000)


def test_every_adaptation_set_is_aligned_and_starts_with_sap_1() -> None:
    sets = attributes(MPD, ".//m:AdaptationSet")
    assert len(sets) == 4
    assert all((each["subsegmentAlignment"], each["subsegmentStartsWithSAP"]) == ("true", "1") for each in sets)


def test_the_video_set_tells_its_frame() -> None:
    video = attributes(MPD, ".//m:AdaptationSet")[0]
    assert (video["maxWidth"], video["maxHeight"], video["frameRate"], video["par"]) == (
        "1920",
        "1080",
        "24000/1001",
        "16:9",
    )
    assert {each["sar"] for each in attributes(MPD, ".//m:AdaptationSet[@contentType='video']/m:Representation")} == {
        "1:1"
    }


def test_codecs_are_those_of_the_tracks() -> None:
    assert {each["codecs"] for each in attributes(MPD, ".//m:Representation")} == {"avc1.640028", "mp4a.40.2"}


def test_sound_has_language_label_channels_and_role() -> None:
    sound = MPD.findall(".//m:AdaptationSet[@contentType='audio']", NAMESPACES)
    assert [each.get("lang") for each in sound] == ["en", "de", "fr"]
    assert [each.findtext("m:Label", "", NAMESPACES) for each in sound] == ["English", "Deutsch", "Français"]
    assert [attributes(each, "m:Role")[0]["value"] for each in sound] == ["main", "alternate", "alternate"]
    assert attributes(sound[0], ".//m:AudioChannelConfiguration") == [
        {"schemeIdUri": "urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "value": "2"}
    ]


def test_elements_come_in_the_order_of_the_schema() -> None:
    sound = MPD.findall(".//m:AdaptationSet", NAMESPACES)[1]
    assert [etree.QName(each).localname for each in sound] == ["Label", "Role", "Representation"]
    assert [etree.QName(each).localname for each in sound[-1]] == [
        "AudioChannelConfiguration",
        "BaseURL",
        "SegmentBase",
    ]


def test_labels_are_escaped() -> None:
    odd = replace(FILM.audio()[0], label="<Tom & 'Jerry'>")
    assert parse(AssetIndex(FILM.timeline, (*FILM.video(), odd))).findtext(".//m:Label", "", NAMESPACES) == odd.label


def test_a_title_without_sound_has_one_set() -> None:
    assert len(attributes(parse(replace(FILM, tracks=FILM.video())), ".//m:AdaptationSet")) == 1


def test_a_plan_sees_no_taller_rung() -> None:
    assert attributes(parse(FILM, max_height=540), ".//m:AdaptationSet")[0]["maxHeight"] == "540"
