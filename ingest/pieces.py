"""The pieces of a plan: what is encoded by itself, and by which function."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ingest.audio import audio_request, encode_audio
from ingest.encoding import Piece
from ingest.plan import Plan
from ingest.signature import signature_digest, write_signature
from ingest.span import encode_span, span_request
from matinee.settings import LadderSettings

SPAN_COST, AUDIO_COST, SIGNATURE_COST = 1.0, 0.03, 0.1
"""Work per second of film."""


@dataclass(frozen=True)
class Pieces:
    """All pieces of a plan: its spans and its audio tracks, in order, and the signature of the source.

    Each is what this version of ffmpeg makes of it.
    """

    ffmpeg_version: str
    spans: tuple[Piece, ...]
    audio: tuple[Piece, ...]
    signature: Piece

    @property
    def longest_first(self) -> tuple[Piece, ...]:
        """All of them, in an order that leaves no core idle at the end: what cannot be cut into spans begins."""
        return (self.signature, *self.audio, *self.spans)


def pieces(plan: Plan, ladder: LadderSettings, sha256: str, version: str) -> Pieces:
    """The pieces of a plan for a film with this SHA-256; `version` is ffmpeg's."""
    digest = signature_digest(plan, sha256, version)
    return Pieces(
        ffmpeg_version=version,
        spans=tuple(_spans(plan, ladder, sha256, version)),
        audio=tuple(_audio(plan, ladder, sha256, version)),
        signature=Piece(digest, float(plan.duration), SIGNATURE_COST, partial(write_signature, plan)),
    )


def _spans(plan: Plan, ladder: LadderSettings, sha256: str, version: str) -> Iterator[Piece]:
    for span in plan.spans:
        request = span_request(plan, span, ladder, source_sha256=sha256, version=version)
        yield Piece(request.digest(), float(request.seconds), SPAN_COST, partial(encode_span, request))


def _audio(plan: Plan, ladder: LadderSettings, sha256: str, version: str) -> Iterator[Piece]:
    for track in plan.audio:
        request = audio_request(plan, track, ladder, source_sha256=sha256, version=version)
        yield Piece(request.digest(), float(request.seconds), AUDIO_COST, partial(encode_audio, request))
