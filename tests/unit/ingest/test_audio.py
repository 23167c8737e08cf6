"""Audio tracks: as loud as every other title, in step with the pictures, and of the right length."""

from pathlib import Path

import numpy as np
import pytest

from ingest.audio import AUDIO_FILE, AudioRequest, audio_request, encode_arguments, encode_audio
from ingest.loudness import Level, Loudness, loudness_faults, read_loudness, wanted_loudness
from ingest.plan import Plan, plan
from ingest.probe import probe
from matinee.settings import LadderSettings, SourceSettings
from matinee.showreel import clips
from packager.timeline import AAC_FRAME, AUDIO_RATE
from tests.films import film, run, samples, shared_film
from tests.titles import FFMPEG, LIMITS, SHA256

SETTINGS = LadderSettings()


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
    """A film of 10 s at most, as long as a sound of FFmpeg's making."""
    pictures = ["-f", "lavfi", "-i", "testsrc=s=64x36:d=10:r=10", "-f", "lavfi", "-i", sound, "-shortest"]
    run([*pictures, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", str(path)])
    return path


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
    encoded(clips() / "bigbuckbunny.mp4", tmp_path)
    heard = measured(tmp_path / AUDIO_FILE)
    assert heard.integrated == pytest.approx(-16, abs=1)
    assert heard.true_peak <= -1


@pytest.mark.parametrize(
    "sound",
    [
        "anullsrc=d=5",
        "aevalsrc=exprs=eq(n\\,96000):d=5",
        "aevalsrc=exprs=eq(mod(n\\,24000)\\,0):d=8",
        "anoisesrc=d=0.3:c=white",
        "sine=f=440:d=0.4",
        "sine=f=21000:d=5",
        "sine=f=25:d=5,volume=15dB",
        "aevalsrc=exprs=sin(600*t)*exp(-20*mod(t\\,3)):d=9",
        "anoisesrc=d=9:c=pink,volume=volume=exp(-mod(t\\,4)*3):eval=frame",
        "anoisesrc=d=5:c=pink,pan=mono|c0=c0",
        "anoisesrc=d=5:c=pink,pan=5.1|FL=c0|FR=0.3*c0|FC=c0|LFE=c0|BL=0.1*c0|BR=0.5*c0",
        "anoisesrc=d=5:a=1:c=white,volume=20dB,aformat=sample_fmts=s16",
    ],
    ids=["silence", "one click", "clicks", "0.3 s of noise", "a beep", "too high for AAC", "deep", "sparse drums",
         "waves", "mono", "5.1", "clipped noise"],
)  # fmt: skip
def test_whatever_a_film_sounds_like_its_peaks_are_held_and_it_is_not_refused(sound: str, tmp_path: Path) -> None:
    encoded(with_sound(tmp_path / "film.mkv", sound), tmp_path)
    heard = measured(tmp_path / AUDIO_FILE)
    assert heard.true_peak <= -1
    assert loudness_faults(wanted_loudness(SETTINGS), heard) == []


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
    graphs = [arguments[number + 1].split(";") for number, word in enumerate(arguments) if word == "-filter_complex"]
    assert graphs == [
        [
            "[0:1]asetpts=PTS-(0/1)/TB[s0]",
            "[s0]aresample=48000[s1]",
            "[s1]aformat=channel_layouts=stereo:sample_fmts=flt[s2]",
        ],
        [
            "[dec:0]aresample=48000:async=1:first_pts=0[s0]",
            "[s0]aformat=sample_fmts=fltp[s1]",
            "[s1]volume=4.00dB[s2]",
            "[s2]aresample=192000[s3]",
            "[s3]alimiter=attack=5:latency=1:level=0:limit=0.7943:release=50[s4]",
            "[s4]aresample=48000[s5]",
            "[s5]aformat=channel_layouts=stereo:sample_fmts=fltp[s6]",
            "[s6]adelay=2816S:all=1[s7]",
            "[s7]apad[s8]",
            "[s8]atrim=end_sample=195584[s9]",
        ],
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
