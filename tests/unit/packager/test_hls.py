"""HLS playlists, rule by rule (RFC 8216bis; Apple HLS Authoring Specification)."""

import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from packager.bandwidth import measure
from packager.hls import iframe_playlist, main_playlist, media_playlist
from packager.index import AssetIndex
from tests.unit.packager.films import two_hours

FILM = two_hours()
MAIN = main_playlist(FILM)


def variants(playlist: str, tag: str = "EXT-X-STREAM-INF") -> list[dict[str, str]]:
    """The attributes of every line with this tag."""
    lines = re.findall(rf"^#{tag}:(.*)$", playlist, re.MULTILINE)
    return [dict(re.findall(r'([A-Z-]+)=("[^"]*"|[^",]*)', line)) for line in lines]


def durations(playlist: str) -> list[Fraction]:
    return [Fraction(text) for text in re.findall(r"#EXTINF:([0-9.]+),", playlist)]


def test_9_1_every_variant_names_its_codecs_as_its_tracks_have_them() -> None:
    assert {variant["CODECS"] for variant in variants(MAIN)} == {'"avc1.640028,mp4a.40.2"'}


def test_9_2_every_variant_has_its_resolution() -> None:
    assert variants(MAIN)[0]["RESOLUTION"] == "960x540"
    assert all(re.fullmatch(r"\d+x\d+", variant["RESOLUTION"]) for variant in variants(MAIN))


def test_9_14_every_variant_has_its_average_bandwidth() -> None:
    assert all(int(variant["AVERAGE-BANDWIDTH"]) > 0 for variant in variants(MAIN))


def test_9_15_every_variant_has_its_frame_rate() -> None:
    assert {variant["FRAME-RATE"] for variant in variants(MAIN)} == {"23.976"}


def test_1_26_and_1_27_declared_rates_are_those_of_the_largest_sum_of_picture_and_sound() -> None:
    tall = next(variant for variant in variants(MAIN) if variant["RESOLUTION"] == "1920x1080")
    rates = [measure(FILM.segments(track), track.timescale, 6) for track in FILM.tracks]
    assert int(tall["AVERAGE-BANDWIDTH"]) == rates[0].average + max(rate.average for rate in rates[5:])
    assert int(tall["BANDWIDTH"]) == rates[0].peak + max(rate.peak for rate in rates[5:])


def test_1_22_playback_starts_with_about_two_megabits() -> None:
    assert variants(MAIN)[0]["RESOLUTION"] == "960x540"


def test_6_1_every_rendition_has_an_i_frame_playlist() -> None:
    uris = [variant["URI"] for variant in variants(MAIN, "EXT-X-I-FRAME-STREAM-INF")]
    assert sorted(uris) == sorted(f'"v{rung}-iframes.m3u8"' for rung in (1080, 720, 540, 360, 234))
    assert "#EXT-X-I-FRAMES-ONLY" in iframe_playlist(FILM.tracks[0])


def test_9_3_and_9_4_i_frame_variants_have_codecs_and_resolution() -> None:
    for variant in variants(MAIN, "EXT-X-I-FRAME-STREAM-INF"):
        assert variant["CODECS"] == '"avc1.640028"'
        assert "x" in variant["RESOLUTION"]


def test_8_9_and_8_10_sound_is_in_a_group_with_all_its_attributes() -> None:
    assert variants(MAIN, "EXT-X-MEDIA")[1] == {
        "TYPE": "AUDIO",
        "GROUP-ID": '"audio"',
        "LANGUAGE": '"de"',
        "NAME": '"Deutsch"',
        "DEFAULT": "NO",
        "AUTOSELECT": "YES",
        "CHANNELS": '"2"',
        "URI": '"a1-deu.m3u8"',
    }
    assert {variant["AUDIO"] for variant in variants(MAIN)} == {'"audio"'}


def test_exactly_one_audio_track_is_the_default_even_when_none_is_marked() -> None:
    unmarked = replace(FILM, tracks=tuple(replace(track, default=False) for track in FILM.tracks))
    for film in (FILM, unmarked):
        assert [media["DEFAULT"] for media in variants(main_playlist(film), "EXT-X-MEDIA")] == ["YES", "NO", "NO"]


def test_names_in_a_group_differ_and_one_language_is_selected_once() -> None:
    same = tuple(replace(track, language="eng", label="English") for track in FILM.audio())
    media = variants(main_playlist(replace(FILM, tracks=(*FILM.video(), *same))), "EXT-X-MEDIA")
    assert [each["NAME"] for each in media] == ['"English"', '"English 2"', '"English 3"']
    assert [each["AUTOSELECT"] for each in media] == ["YES", "NO", "NO"]


def test_sound_of_an_unknown_language_has_no_language() -> None:
    unknown = replace(FILM.audio()[0], language="und", label="")
    (media,) = variants(main_playlist(replace(FILM, tracks=(*FILM.video(), unknown))), "EXT-X-MEDIA")
    assert "LANGUAGE" not in media
    assert media["NAME"] == '"Audio"'


def test_a_title_without_sound_has_no_audio_group() -> None:
    silent = main_playlist(replace(FILM, tracks=FILM.video()))
    assert "AUDIO" not in silent.replace("AVERAGE", "")
    assert variants(silent)[0]["CODECS"] == '"avc1.640028"'


def test_a_plan_sees_no_taller_rung() -> None:
    assert "v1080" not in main_playlist(FILM, max_height=720)
    assert "v720.m3u8" in main_playlist(FILM, max_height=720)


def test_7_5_segments_last_six_seconds() -> None:
    lengths = durations(media_playlist(FILM, FILM.tracks[0]))
    assert len(lengths) == 1200
    assert all(abs(length - Fraction(6006, 1000)) < Fraction(1, 100_000) for length in lengths)


def test_7_7_and_8_2_sound_and_picture_share_a_target_duration_that_holds() -> None:
    for track in FILM.tracks:
        playlist = media_playlist(FILM, track)
        assert "#EXT-X-TARGETDURATION:6\n" in playlist
        assert all(round(length) <= 6 for length in durations(playlist))


def test_8_1_no_run_of_segments_drifts() -> None:
    track = FILM.audio()[0]
    told = truth = Fraction(0)
    for length, segment in zip(durations(media_playlist(FILM, track)), FILM.segments(track), strict=True):
        told += length
        truth += Fraction(segment.duration, track.timescale)
        assert abs(told - truth) <= Fraction(1, 1_000_000)


def test_7_3_8_20_playlists_are_independent_complete_and_on_demand() -> None:
    for playlist in (media_playlist(FILM, FILM.tracks[0]), iframe_playlist(FILM.tracks[0])):
        assert playlist.startswith("#EXTM3U\n#EXT-X-VERSION:7\n")
        assert "#EXT-X-PLAYLIST-TYPE:VOD\n" in playlist
        assert '#EXT-X-MAP:URI="v1080.mp4",BYTERANGE="750@0"\n' in playlist
        assert playlist.endswith("#EXT-X-ENDLIST\n")
    assert "#EXT-X-INDEPENDENT-SEGMENTS\n" in MAIN


def test_byte_ranges_cover_the_file_from_the_first_fragment_to_the_end() -> None:
    track = FILM.tracks[0]
    at = track.sidx_range[1]
    for size, offset in re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", media_playlist(FILM, track)):
        assert int(offset) == at
        at += int(size)
    assert at == track.file_size


def test_7_7_a_low_frame_rate_lengthens_the_target_duration_of_all() -> None:
    slow = replace(FILM.audio()[0], durations=(48000 * 3,) * 3600)
    assert "TARGETDURATION:9" in media_playlist(replace(FILM, tracks=(*FILM.video(), slow)), FILM.tracks[0])


@pytest.mark.parametrize("rung", [0, 1])
def test_6_1_each_i_frame_decodes_after_the_map(title: tuple[AssetIndex, Path], rung: int) -> None:
    index, directory = title
    track = index.video()[rung]
    data = (directory / track.name).read_bytes()
    ranges = re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", iframe_playlist(track))
    assert len(ranges) == index.timeline.gops
    for size, offset in ranges:
        piece = data[: track.init_size] + data[int(offset) : int(offset) + int(size)]
        with av.open(io.BytesIO(piece), "r") as container:
            frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.key_frame) == (track.width, track.height, True)


def test_i_frames_last_as_long_as_their_gops(title: tuple[AssetIndex, Path]) -> None:
    assert durations(iframe_playlist(title[0].video()[0])) == [1, 1, Fraction(1, 2)]


def test_9_16_video_range_is_left_out_while_all_is_sdr() -> None:
    assert "VIDEO-RANGE" not in MAIN


def test_8_18_every_uri_is_relative_and_inherits_the_token_in_the_path() -> None:
    for playlist in (MAIN, media_playlist(FILM, FILM.tracks[0]), iframe_playlist(FILM.tracks[0])):
        uris = re.findall(r'URI="([^"]*)"', playlist) + re.findall(r"^[^#].*$", playlist, re.MULTILINE)
        assert uris
        assert all(re.fullmatch(r"[a-z0-9-]+\.(m3u8|mp4)", uri) for uri in uris)


def test_ffmpeg_plays_every_track_through_its_playlist(title: tuple[AssetIndex, Path], tmp_path: Path) -> None:
    index, directory = title
    for track in index.tracks:
        (tmp_path / track.name).symlink_to(directory / track.name)
        (tmp_path / f"{track.stem}.m3u8").write_text(media_playlist(index, track))
    for track in index.video():
        with av.open(str(tmp_path / f"{track.stem}.m3u8"), "r") as container:
            assert sum(1 for _ in container.decode(video=0)) == index.timeline.frames
    with av.open(str(tmp_path / "a0-eng.m3u8"), "r") as container:
        packets = [packet for packet in container.demux() if packet.size]
    assert len(packets) == index.timeline.audio_frames
