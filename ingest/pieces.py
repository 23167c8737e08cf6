"""The pieces of a plan: what is encoded by itself, and by which function."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ingest.audio import audio_request, encode_audio
from ingest.encoding import Piece
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.plan import Plan
from ingest.span import encode_span, span_request
from matinee.settings import Settings

SPAN_COST, AUDIO_COST = 1.0, 0.03
"""Work per second of film; sound is a small part of it."""


def span_pieces(plan: Plan, settings: Settings, film: Path, sha256: str) -> Iterator[Piece]:
    """The spans of a plan, in order, to be encoded from the file `film`."""
    ffmpeg = Ffmpeg.from_settings(settings.worker)
    for span in plan.spans:
        request = span_request(plan, span, settings.ladder, source_sha256=sha256, version=ffmpeg.version())
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(encode_span, request, film, ffmpeg=ffmpeg, limits=limits)
        yield Piece(request.digest(), float(request.seconds), SPAN_COST, encode)


def audio_pieces(plan: Plan, settings: Settings, film: Path, sha256: str) -> Iterator[Piece]:
    """The audio tracks of a plan, in order."""
    ffmpeg = Ffmpeg.from_settings(settings.worker)
    for track in plan.audio:
        request = audio_request(plan, track, settings.ladder, source_sha256=sha256, version=ffmpeg.version())
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(encode_audio, request, film, ffmpeg=ffmpeg, limits=limits)
        yield Piece(request.digest(), float(request.seconds), AUDIO_COST, encode)
