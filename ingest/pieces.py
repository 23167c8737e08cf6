"""The pieces of a plan: what is encoded by itself, and by which function."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ingest.audio import audio_request, encode_audio
from ingest.encoding import Piece
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.plan import Plan
from ingest.signature import signature_digest, write_signature
from ingest.span import encode_span, span_request
from matinee.settings import Settings

SPAN_COST, AUDIO_COST, SIGNATURE_COST = 1.0, 0.03, 0.1
"""Work per second of film."""


@dataclass(frozen=True)
class Pieces:
    """All pieces of a plan: its spans and its audio tracks, in order, and the signature of the source."""

    spans: tuple[Piece, ...]
    audio: tuple[Piece, ...]
    signature: Piece

    @property
    def longest_first(self) -> tuple[Piece, ...]:
        """All of them, in an order that leaves no core idle at the end: what cannot be cut into spans begins."""
        return (self.signature, *self.audio, *self.spans)


def pieces(plan: Plan, settings: Settings, film: Path, sha256: str) -> Pieces:
    """The pieces of a plan, to be encoded from the file `film`."""
    ffmpeg = Ffmpeg.from_settings(settings.worker)
    digest = signature_digest(plan, sha256, ffmpeg.version())
    limits = Limits.from_settings(settings.worker, plan.duration)
    write = partial(write_signature, plan, film, ffmpeg=ffmpeg, limits=limits)
    return Pieces(
        spans=tuple(_spans(plan, settings, film, sha256, ffmpeg)),
        audio=tuple(_audio(plan, settings, film, sha256, ffmpeg)),
        signature=Piece(digest, float(plan.duration), SIGNATURE_COST, write),
    )


def _spans(plan: Plan, settings: Settings, film: Path, sha256: str, ffmpeg: Ffmpeg) -> Iterator[Piece]:
    for span in plan.spans:
        request = span_request(plan, span, settings.ladder, source_sha256=sha256, version=ffmpeg.version())
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(encode_span, request, film, ffmpeg=ffmpeg, limits=limits)
        yield Piece(request.digest(), float(request.seconds), SPAN_COST, encode)


def _audio(plan: Plan, settings: Settings, film: Path, sha256: str, ffmpeg: Ffmpeg) -> Iterator[Piece]:
    for track in plan.audio:
        request = audio_request(plan, track, settings.ladder, source_sha256=sha256, version=ffmpeg.version())
        limits = Limits.from_settings(settings.worker, request.seconds)
        encode = partial(encode_audio, request, film, ffmpeg=ffmpeg, limits=limits)
        yield Piece(request.digest(), float(request.seconds), AUDIO_COST, encode)
