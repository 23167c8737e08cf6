"""The pieces of a plan: what is encoded by itself, and by which function."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ingest.audio import AudioRequest, audio_request, encode_audio
from ingest.encoding import Piece
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.plan import Plan
from ingest.span import encode_span, span_request
from matinee.settings import Settings

AUDIO_FILE = "audio.mp4"
VIDEO_COST, AUDIO_COST = 1.0, 0.03


def span_pieces(plan: Plan, settings: Settings, source: Path, source_sha256: str) -> list[Piece]:
    """The spans of a plan, in order; `source` is the film's file."""
    ffmpeg = Ffmpeg.from_settings(settings.worker)
    pieces = []
    for span in plan.spans:
        request = span_request(
            plan, span, settings.ladder, source_sha256=source_sha256, version=ffmpeg.version()
        )
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(encode_span, request, source, ffmpeg=ffmpeg, limits=limits)
        pieces.append(Piece(request.digest(), float(request.seconds), VIDEO_COST, encode))
    return pieces


def audio_pieces(plan: Plan, settings: Settings, source: Path, source_sha256: str) -> list[Piece]:
    """The audio tracks of a plan, in order."""
    ffmpeg = Ffmpeg.from_settings(settings.worker)
    pieces = []
    for track in plan.audio:
        request = audio_request(
            plan, track, settings.ladder, source_sha256=source_sha256, version=ffmpeg.version()
        )
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(_encode_audio, request, source, ffmpeg, limits)
        pieces.append(Piece(request.digest(), float(request.seconds), AUDIO_COST, encode))
    return pieces


def _encode_audio(
    request: AudioRequest, source: Path, ffmpeg: Ffmpeg, limits: Limits, directory: Path, *,
    cancelled: Callable[[], bool], progress: Callable[[float], None],
) -> None:  # fmt: skip
    destination = directory / AUDIO_FILE
    encode_audio(request, source, destination, ffmpeg, limits, cancelled=cancelled, progress=progress)
