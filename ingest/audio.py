"""Encoding an audio track: AAC-LC stereo at 48 kHz, as loud as every other title, aligned with the pictures.

The sound is measured, and encoded with the gain that this calls for, high peaks limited. Then what came out is
measured, and where limiter or encoder made too much of a difference it is encoded once more. Content begins at the
timeline's lead-in T0; the encoder's priming is part of T0, silence the rest.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as builder

from ingest.command_line import LOOPBACK, arguments, looped, opened
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.loudness import (
    UNTOUCHED,
    Level,
    Loudness,
    corrected,
    first_level,
    measure_arguments,
    read_loudness,
    wanted_loudness,
)
from ingest.plan import AudioTrack, Plan
from ingest.request import Request
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.settings import LadderSettings
from packager.timeline import AAC_FRAME, AUDIO_RATE

AUDIO_FILE = "audio.mp4"
FORMAT = 2
"""Counts changes to how audio is encoded; results of another format are not used again."""
PRIMING = 1024
"""Samples that FFmpeg's AAC encoder puts before the sound."""
OVERSAMPLING = 4  # true peaks lie between samples (ITU-R BS.1770-5, annex 2)
ROUNDS, LOUDER_ROUNDS = 12, 9
"""How often a track is encoded at most, and after how many of these it only becomes quieter, for peaks come first."""


class AudioRequest(Request):
    """All that the bytes of an encoded audio track depend on."""

    stream: int
    begins: Fraction
    lead_in: Fraction
    frames: int
    kbps: int
    loudness: Loudness
    format: int = FORMAT

    @property
    def seconds(self) -> Fraction:
        """Length of the track."""
        return Fraction(self.frames * AAC_FRAME, AUDIO_RATE)

    @property
    def delay(self) -> int:
        """Samples of silence before the content; with the encoder's priming they fill the lead-in."""
        return round(self.lead_in * AUDIO_RATE) - PRIMING

    @property
    def samples(self) -> int:
        """Samples given to the encoder, which makes `frames` AAC frames of them."""
        return (self.frames - 1) * AAC_FRAME


def audio_request(
    plan: Plan, track: AudioTrack, ladder: LadderSettings, *, source_sha256: str, version: str
) -> AudioRequest:
    """What is asked of the encoder for one audio track of a plan; `version` is ffmpeg's."""
    return AudioRequest(
        source_sha256=source_sha256,
        ffmpeg_version=version,
        container=plan.source.container,
        stream=track.sound.stream,
        begins=plan.source.picture.start,
        lead_in=plan.timeline.lead_in,
        frames=plan.timeline.audio_frames,
        kbps=ladder.audio_kbps,
        loudness=wanted_loudness(ladder),
    )


def encode_audio(
    request: AudioRequest,
    source: Path,
    directory: Path,
    ffmpeg: Ffmpeg,
    limits: Limits,
    *,
    check: Check = unchecked,
    on_seconds: OnSeconds = unheard,
) -> None:
    """Write the track as `audio.mp4`, a fragmented MP4 file, into `directory`, which exists.

    Raises what `Ffmpeg.run` raises; then the file means nothing.
    """
    encoded = directory / AUDIO_FILE

    def measure(command: list[str]) -> Loudness:
        return read_loudness(ffmpeg.run(command, limits, check=check).errors)

    level = first_level(request.loudness, measure(_of_source(request, source, measure_arguments(_content()))))
    for number in range(1, ROUNDS + 1):
        ffmpeg.run(encode_arguments(request, level, source, encoded), limits, check=check, on_seconds=on_seconds)
        heard = measure(measure_arguments(opened(encoded, "mov")["a"]))
        better = corrected(request.loudness, level, heard, louder=number < LOUDER_ROUNDS)
        if better == level:
            break
        level = better


def encode_arguments(request: AudioRequest, level: Level, source: Path, destination: Path) -> list[str]:
    """The arguments of ffmpeg that encode the track."""
    sound = _levelled(_content(), level)
    sound = sound.filter("adelay", f"{request.delay}S", all=1)
    sound = sound.filter("apad").filter("atrim", end_sample=request.samples)
    return _of_source(request, source, arguments(builder.output(sound, f"file:{destination}", **_encoder(request))))


def _of_source(request: AudioRequest, source: Path, following: list[str]) -> list[str]:
    """Arguments whose LOOPBACK is the sound of the source, on the clock of the title, all in stereo at one rate.

    A broadcast may change layout and rate where one programme follows another.
    """
    begins = request.begins
    sound = (
        opened(source, request.container)[str(request.stream)]
        .filter("asetpts", f"PTS-({begins.numerator}/{begins.denominator})/TB")
        .filter("aresample", AUDIO_RATE)
        .filter("aformat", sample_fmts="flt", channel_layouts="stereo")
    )
    return looped(builder.output(sound, "-", f="null", **{"c:a": "pcm_f32le"}), following)


def _content() -> Any:
    """The sound from the first picture on; what comes earlier is cut, and gaps are filled with silence."""
    filled = LOOPBACK.filter("aresample", AUDIO_RATE, **{"async": 1, "first_pts": 0})
    return filled.filter("aformat", sample_fmts="fltp")


def _levelled(sound: Any, level: Level) -> Any:
    """Apply a gain, and hold true peaks below the ceiling where they would pass it."""
    if level == UNTOUCHED:
        return sound
    sound = sound.filter("volume", f"{level.gain:.2f}dB")
    if level.ceiling is None:
        return sound
    return (
        sound.filter("aresample", AUDIO_RATE * OVERSAMPLING)
        .filter("alimiter", limit=f"{10 ** (level.ceiling / 20):.4f}", attack=5, release=50, level=0, latency=1)
        .filter("aresample", AUDIO_RATE)
        .filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    )


def _encoder(request: AudioRequest) -> dict[str, Any]:
    return {
        "c:a": "aac",
        "profile:a": "aac_low",
        "b:a": f"{request.kbps}k",
        "ar": AUDIO_RATE,
        "ac": 2,
        "flags": "+bitexact",
        "threads": 1,
        "map_metadata": -1,
        "frag_duration": 2_000_000,
        "movflags": "+empty_moov+default_base_moof",
        "fflags": "+bitexact",
        "f": "mp4",
    }
