"""Track files as ffmpeg and PyAV read them."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from matinee.errors import Cancelled, DataLoss, InvalidInput
from packager.index import AssetIndex
from packager.timeline import Timeline
from packager.tracks import composition_offsets, write_audio_track, write_video_track
from tests.stopping import stopping
from tests.unit.packager.conftest import Encode, run_ffmpeg


def test_every_frame_is_shown_in_turn_from_t0_on(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    for track in index.video():
        with av.open(str(directory / track.name)) as container:
            times = [Fraction(frame.pts or 0) * (frame.time_base or 0) for frame in container.decode(video=0)]
        assert times == [index.timeline.lead_in + number * Fraction(1, 24) for number in range(60)]


def test_decoding_starts_at_0_in_every_track(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    for track in index.tracks:
        with av.open(str(directory / track.name)) as container:
            assert next(container.demux()).dts == 0


def test_sound_and_picture_end_together(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    end = index.timeline.lead_in + index.timeline.duration
    with av.open(str(directory / "a0-eng.mp4")) as container:
        packets = [packet for packet in container.demux() if packet.size]
    assert len(packets) == index.timeline.audio_frames
    assert 0 <= len(packets) * Fraction(1024, 48000) - end < Fraction(1024, 48000)


def test_ffmpeg_decodes_every_track_without_a_complaint(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    for track in index.tracks:
        run_ffmpeg("-xerror", "-err_detect", "explode", "-i", str(directory / track.name), "-f", "null", "-")


def test_a_wish_to_stop_is_heard_at_every_fragment(
    timeline: Timeline, encode_video: Encode, encode_audio: Encode, tmp_path: Path
) -> None:
    pictures, sound = encode_video(timeline.frames), encode_audio(timeline.audio_frames)
    with pytest.raises(Cancelled):
        write_video_track([pictures], timeline, tmp_path / "v", name="v90.mp4", rung=90, check=stopping(after=2))
    with pytest.raises(Cancelled):
        write_audio_track(sound, timeline, tmp_path / "a", name="a0-und.mp4", check=stopping(after=2))


def test_a_track_describes_its_file(title: tuple[AssetIndex, Path]) -> None:
    index, directory = title
    for track in index.tracks:
        assert track.file_size == (directory / track.name).stat().st_size
        assert len(track.sizes) == index.timeline.gops
    assert [(track.width, track.height, track.codecs[:5]) for track in index.video()] == [
        (320, 180, "avc1."),
        (160, 90, "avc1."),
    ]
    assert index.audio()[0].codecs == "mp4a.40.2"
    assert index.audio()[0].channels == 2


def test_renditions_share_decode_times_and_durations(title: tuple[AssetIndex, Path]) -> None:
    high, low = title[0].video()
    assert high.durations == low.durations == (24000, 24000, 12000)


def test_the_first_audio_segment_is_longer_by_the_lead_in(title: tuple[AssetIndex, Path]) -> None:
    index, _ = title
    first = index.audio()[0].segments(2)[0]
    assert 0 <= Fraction(first.duration, 48000) - (2 + index.timeline.lead_in) < Fraction(1024, 48000)


def test_streams_without_reordering_start_at_the_same_t0(
    timeline: Timeline, encode_video: Encode, tmp_path: Path
) -> None:
    plain = encode_video(60, "-bf", "0")
    write_video_track([plain], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)
    with av.open(str(tmp_path / "v.mp4")) as container:
        frame = next(container.decode(video=0))
    assert Fraction(frame.pts or 0) * (frame.time_base or 0) == timeline.lead_in


def test_a_title_shorter_than_a_gop_is_one_fragment(encode_video: Encode, encode_audio: Encode, tmp_path: Path) -> None:
    timeline = Timeline(Fraction(24), frames=1, gop_frames=48, segment_gops=3)
    video = write_video_track([encode_video(1)], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)
    audio = write_audio_track(encode_audio(timeline.audio_frames), timeline, tmp_path / "a.mp4", name="a.mp4")
    assert video.durations == (1000,)
    assert audio.durations == (timeline.audio_frames * 1024,)


def test_missing_frames_are_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match="GOP 3 is not 12 frames"):
        write_video_track([encode_video(59)], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_surplus_frames_are_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match="more than 60 frames"):
        write_video_track([encode_video(61)], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_a_gop_of_another_length_is_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match="GOP 1 is not 24 frames of which the first alone is a keyframe"):
        write_video_track([encode_video(60, gop=12)], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_spans_with_other_parameters_are_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    spans = [encode_video(48), encode_video(12, "-profile:v", "main")]
    with pytest.raises(InvalidInput, match="other parameters"):
        write_video_track(spans, timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_sound_is_no_video_track(timeline: Timeline, encode_audio: Encode, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not pictures"):
        write_video_track([encode_audio(9)], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_pictures_are_no_audio_track(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not sound"):
        write_audio_track(encode_video(60), timeline, tmp_path / "a.mp4", name="a.mp4")


def test_a_video_track_needs_a_span(timeline: Timeline, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least one span"):
        write_video_track([], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_the_same_spans_make_the_same_bytes(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    whole = encode_video(60)
    write_video_track([whole], timeline, tmp_path / "once.mp4", name="v.mp4", rung=90)
    write_video_track([whole], timeline, tmp_path / "again.mp4", name="v.mp4", rung=90)
    assert (tmp_path / "once.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


def test_a_span_that_was_cut_short_is_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(encode_video(60).read_bytes()[:-2000])
    with pytest.raises(DataLoss):
        write_video_track([cut], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_a_file_that_is_not_fragmented_is_refused(timeline: Timeline, encode_video: Encode, tmp_path: Path) -> None:
    plain = encode_video(60, "-movflags", "faststart")
    run_ffmpeg("-i", str(plain), "-c", "copy", str(tmp_path / "plain.mp4"))
    with pytest.raises(InvalidInput, match="not fragmented"):
        write_video_track([tmp_path / "plain.mp4"], timeline, tmp_path / "v.mp4", name="v.mp4", rung=90)


def test_sound_that_is_too_short_is_refused(timeline: Timeline, encode_audio: Encode, tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match="fewer than"):
        write_audio_track(encode_audio(timeline.audio_frames - 1), timeline, tmp_path / "a.mp4", name="a.mp4")


def test_sound_that_is_too_long_is_trimmed(timeline: Timeline, encode_audio: Encode, tmp_path: Path) -> None:
    track = write_audio_track(encode_audio(timeline.audio_frames + 5), timeline, tmp_path / "a.mp4", name="a.mp4")
    assert sum(track.durations) == timeline.audio_frames * 1024


def test_sound_at_another_rate_is_refused(timeline: Timeline, encode_audio: Encode, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not AAC-LC at 48000 Hz"):
        write_audio_track(encode_audio(200, rate=44100), timeline, tmp_path / "a.mp4", name="a.mp4")


def test_labels_lose_what_a_playlist_cannot_hold(timeline: Timeline, encode_audio: Encode, tmp_path: Path) -> None:
    sound = encode_audio(timeline.audio_frames)
    track = write_audio_track(sound, timeline, tmp_path / "a.mp4", name="a.mp4", label='The "director"\r\n#EXT\0 ')
    assert track.label == "The director #EXT"


def test_offsets_are_padded_to_two_frames() -> None:
    assert composition_offsets([0, 3, 1, 2], 10) == (20, 40, 10, 10)


@pytest.mark.parametrize(
    ("shown", "reason"),
    [((1, 0, 2), "keyframe first"), ((0, 1, 1), "one after the other"), ((0, 4, 3, 2, 1), "reordering")],
)
def test_impossible_orders_are_refused(shown: tuple[int, ...], reason: str) -> None:
    with pytest.raises(DataLoss, match=reason):
        composition_offsets(shown, 10)
