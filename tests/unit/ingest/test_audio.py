"""Audio tracks: as loud as every other title, in step with the pictures, and of the right length."""

from pathlib import Path

import numpy as np
import pytest

from ingest.audio import (
    AUDIO_FILE,
    UNTOUCHED,
    AudioRequest,
    Level,
    Loudness,
    audio_request,
    corrected,
    encode_arguments,
    encode_audio,
    read_loudness,
)
from ingest.plan import Plan, plan
from ingest.probe import probe
from matinee.errors import DataLoss
from matinee.settings import LadderSettings, SourceSettings
from packager.timeline import AAC_FRAME, AUDIO_RATE
from tests.films import clip, film, run, samples, shared_film
from tests.titles import FFMPEG, LIMITS, SHA256

SETTINGS = LadderSettings()
SUMMARY = """
  Integrated loudness:
    I:         -23.4 LUFS
    Threshold: -34.3 LUFS
  True peak:
    Peak:       -5.1 dBFS
"""


def encoded(source: Path, folder: Path) -> Plan:
    planned = plan(probe(source, SourceSettings()), SETTINGS)
    asked = audio_request(planned, planned.audio[0], SETTINGS, source_sha256=SHA256, version="any")
    encode_audio(asked, source, folder, FFMPEG, LIMITS)
    return planned


def request() -> AudioRequest:
    planned = plan(probe(shared_film(), SourceSettings()), SETTINGS)
    return audio_request(planned, planned.audio[0], SETTINGS, source_sha256=SHA256, version="any")


def measured(path: Path) -> Loudness:
    metering = ["-nostdin", "-i", f"file:{path}", "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    return read_loudness(FFMPEG.run(metering, LIMITS).errors)


def with_sound(path: Path, sound: str) -> Path:
    """A film of 5 s with a sound of FFmpeg's making."""
    pictures = ["-f", "lavfi", "-i", "testsrc=s=64x36:d=5:r=5"]
    run([*pictures, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", str(path)])
    return path


def test_reads_the_summary_of_the_meter() -> None:
    assert read_loudness(SUMMARY) == Loudness(integrated=-23.4, true_peak=-5.1)


def test_a_meter_that_says_nothing_is_an_error() -> None:
    with pytest.raises(DataLoss, match="could not be measured"):
        read_loudness("")


@pytest.mark.parametrize(
    "sound",
    [
        "sine=f=440:d=5,volume=-30dB",
        "anoisesrc=d=5:a=0.9:c=pink",
        "aevalsrc=exprs=sin(5000*t)*0.5*lt(mod(t\\,0.5)\\,0.02)+0.02*sin(2000*t):d=5",
    ],
    ids=["faint", "loud", "all peaks"],
)
def test_every_title_is_as_loud_as_the_others(sound: str, tmp_path: Path) -> None:
    encoded(with_sound(tmp_path / "film.mkv", sound), tmp_path)
    heard = measured(tmp_path / AUDIO_FILE)
    assert heard.integrated == pytest.approx(-16, abs=1)
    assert heard.true_peak <= -1


def test_a_real_clip_in_5_1_is_as_loud_as_the_others(tmp_path: Path) -> None:
    encoded(clip("bigbuckbunny"), tmp_path)
    heard = measured(tmp_path / AUDIO_FILE)
    assert heard.integrated == pytest.approx(-16, abs=1)
    assert heard.true_peak <= -1


def level(gain: float, ceiling: float | None) -> Level:
    return Level(gain=gain, ceiling=ceiling)


@pytest.mark.parametrize(
    ("tried", "came_out", "next_try"),
    [
        (level(4, None), Loudness(integrated=-16.3, true_peak=-2), level(4, None)),
        (level(4, -2), Loudness(integrated=-18, true_peak=-2), level(6, -2)),
        (level(4, -2), Loudness(integrated=-16, true_peak=-0.5), level(4, -2.8)),
        (level(4, None), Loudness(integrated=-16, true_peak=-0.5), level(4, -2.8)),
        (UNTOUCHED, Loudness(integrated=-70, true_peak=float("-inf")), UNTOUCHED),
    ],
)
def test_a_level_is_corrected_by_what_came_out(tried: Level, came_out: Loudness, next_try: Level) -> None:
    assert corrected(request(), tried, came_out) == next_try


def test_silence_stays_silence(tmp_path: Path) -> None:
    encoded(with_sound(tmp_path / "film.mkv", "anullsrc=d=5"), tmp_path)
    assert np.abs(samples(tmp_path / AUDIO_FILE)).max() < 0.001


def test_every_channel_of_5_1_is_heard(tmp_path: Path) -> None:
    for channel in ("FC", "BR"):
        folder = tmp_path / channel
        folder.mkdir()
        sound = f"sine=f=440:d=5,pan=5.1|{channel}=c0"
        encoded(with_sound(folder / "film.mkv", sound), folder)
        assert measured(folder / AUDIO_FILE).integrated == pytest.approx(-16, abs=1)


def test_content_begins_at_the_lead_in_and_the_track_is_exactly_as_long_as_planned(tmp_path: Path) -> None:
    planned = encoded(shared_film(), tmp_path)
    sound = samples(tmp_path / AUDIO_FILE)
    begins = np.flatnonzero(np.abs(sound) > 0.05)[0] / AUDIO_RATE
    assert begins == pytest.approx(float(planned.timeline.lead_in), abs=0.001)
    assert len(sound) == planned.timeline.audio_frames * AAC_FRAME


def test_the_filters_of_a_track() -> None:
    arguments = encode_arguments(request(), Level(gain=4, ceiling=-2), Path("/in"), Path("/out"))
    assert arguments[arguments.index("-filter_complex") + 1].split(";") == [
        "[0:1]asetpts=PTS-(0/1)/TB[s0]",
        "[s0]aresample=48000:async=1:first_pts=0[s1]",
        "[s1]aformat=channel_layouts=stereo:sample_fmts=fltp[s2]",
        "[s2]volume=4.00dB[s3]",
        "[s3]aresample=192000[s4]",
        "[s4]alimiter=attack=5:latency=1:level=0:limit=0.7943:release=50[s5]",
        "[s5]aresample=48000[s6]",
        "[s6]aformat=channel_layouts=stereo:sample_fmts=fltp[s7]",
        "[s7]adelay=2816S:all=1[s8]",
        "[s8]apad[s9]",
        "[s9]atrim=end_sample=195584[s10]",
    ]


def test_quiet_peaks_need_no_limiter() -> None:
    arguments = encode_arguments(request(), Level(gain=4, ceiling=None), Path("/in"), Path("/out"))
    assert "alimiter" not in " ".join(arguments)


def test_a_film_with_another_sound_has_another_digest(tmp_path: Path) -> None:
    planned = plan(probe(film(tmp_path / "film.mkv", seconds=1, audio=("eng", "deu")), SourceSettings()), SETTINGS)
    one, other = (
        audio_request(planned, track, SETTINGS, source_sha256=SHA256, version="any") for track in planned.audio
    )
    assert one.digest() != other.digest()
