"""Encoding: every piece of a film that has no result yet is encoded, side by side, and its result kept."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from ingest.ffmpeg import Ffmpeg, Limits
from ingest.results import Results
from matinee.errors import DataLoss, NotFound
from matinee.executor import Check, OnSeconds

log = structlog.get_logger()

Reach = Callable[[float], None]


class Encode(Protocol):
    """Writes a piece's files into a folder; `on_seconds` hears how many seconds are done, and `check` may stop it."""

    def __call__(
        self,
        film: Path,
        directory: Path,
        ffmpeg: Ffmpeg,
        limits: Limits,
        /,
        *,
        check: Check,
        on_seconds: OnSeconds,
    ) -> None:
        """Encode, from a film that lies on this machine."""


@dataclass(frozen=True)
class Piece:
    """A part of the work that is encoded by itself: a span, or an audio track. It can be sent to another machine.

    `digest` names its result; `seconds` of content cost `cost` each, in no particular unit.
    """

    digest: str
    seconds: float
    cost: float
    encode: Encode


class Encoder(Protocol):
    """Who encodes pieces: this machine, or a cluster."""

    async def encode(self, piece: Piece, on_seconds: OnSeconds) -> None:
        """Encode a piece, and keep its result in the store."""


def missing(pieces: Iterable[Piece], finished: Collection[str]) -> list[Piece]:
    """The pieces that have no result yet, in order, each once."""
    wanted = {piece.digest: piece for piece in pieces if piece.digest not in finished}
    return list(wanted.values())


class Meter:
    """How much of the encoding is done; `reach` hears it as a part of the whole."""

    def __init__(self, pieces: Iterable[Piece], finished: Collection[str], reach: Reach) -> None:
        self._whole = {piece.digest: piece.seconds * piece.cost for piece in pieces}
        self._done = sum(cost for digest, cost in self._whole.items() if digest in finished)
        self._begun: dict[str, float] = {}
        self._reach = reach

    def note(self, piece: Piece, seconds: float) -> None:
        """So many seconds of a piece are done."""
        cost = min(seconds, piece.seconds) * piece.cost
        self._done += cost - self._begun.get(piece.digest, 0)
        self._begun[piece.digest] = cost
        self._reach(self._done / sum(self._whole.values()))


class Encoding:
    """The encoding of one film; results that are collected lie in `folder`."""

    def __init__(self, results: Results, encoder: Encoder, folder: Path) -> None:
        self._results = results
        self._encoder = encoder
        self._folder = folder

    async def finish(self, pieces: Collection[Piece], reach: Reach) -> None:
        """Encode what is missing; `reach` hears what part of the whole is done. An error of one piece stops all."""
        finished = await self._results.finished()
        meter = Meter(pieces, finished, reach)
        async with asyncio.TaskGroup() as group:
            for piece in missing(pieces, finished):
                group.create_task(self._encode(piece, meter))

    async def collect(self, piece: Piece) -> Path:
        """The folder with a piece's files, fetched from the store; a result that has vanished is made again."""
        folder = self._folder / piece.digest
        try:
            await self._results.get(piece.digest, folder)
        except (NotFound, DataLoss) as error:
            log.warning("result has vanished; encoding it again", digest=piece.digest, error=str(error))
            await self._encode(piece, Meter([piece], (), lambda part: None))
            await self._results.get(piece.digest, folder)
        return folder

    async def _encode(self, piece: Piece, meter: Meter) -> None:
        await self._encoder.encode(piece, lambda seconds: meter.note(piece, seconds))
        meter.note(piece, piece.seconds)
