"""Who encodes a piece and keeps its result: threads of this process, or a worker of a cluster."""

import asyncio
import shutil
from pathlib import Path

import structlog

from ingest.crew import Crew
from ingest.encoding import Piece
from ingest.encoding_worker import Commission, encode_remotely
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.lease import Lease
from ingest.measures import Measures
from ingest.results import Results
from matinee.executor import Check, OnSeconds, places
from matinee.settings import WorkerSettings
from matinee.telemetry import traces

log = structlog.get_logger()


class OwnEncoder:
    """Encodes on this machine, where the film lies; files pass through `folder` on their way to the store."""

    def __init__(
        self,
        crew: Crew,
        lease: Lease,
        results: Results,
        worker: WorkerSettings,
        *,
        film: Path,
        folder: Path,
        measures: Measures | None = None,
    ) -> None:
        self._crew = crew
        self._place = asyncio.Semaphore(places(worker.executor))
        """Held for a piece from its beginning until its result is stored, so that only so many can be lost."""
        self._lease = lease
        self._results = results
        self._worker = worker
        self._film = film
        self._folder = folder
        self._measures = measures or Measures()

    async def encode(self, piece: Piece, on_seconds: OnSeconds) -> None:
        """Encode a piece, and keep its result in the store. Raises `LeaseLost` instead of keeping it too late."""
        async with self._place:
            with self._measures.encode(piece.seconds), traces.span("encode", digest=piece.digest):
                await self._encode_and_store(piece, on_seconds)

    async def _encode_and_store(self, piece: Piece, on_seconds: OnSeconds) -> None:
        folder = self._folder / f"{piece.digest}.encoding"
        await asyncio.to_thread(folder.mkdir, parents=True)
        loop = asyncio.get_running_loop()
        await self._crew.run(
            self._write,
            piece,
            folder,
            on_seconds=lambda seconds: loop.call_soon_threadsafe(on_seconds, seconds),
        )
        self._lease.check()
        await self._results.put(piece.digest, folder)
        log.info("encoded", digest=piece.digest, seconds=piece.seconds)
        await asyncio.to_thread(shutil.rmtree, folder)

    def _write(self, piece: Piece, folder: Path, *, check: Check, on_seconds: OnSeconds) -> None:
        log.info("encoding", digest=piece.digest)
        ffmpeg = Ffmpeg.from_settings(self._worker)
        limits = Limits.from_settings(self._worker, piece.seconds)
        piece.encode(self._film, folder, ffmpeg, limits, check=check, on_seconds=on_seconds)


class ClusterEncoder:
    """Has pieces of an upload encoded by a cluster, whose workers fetch the film and keep the results."""

    def __init__(self, crew: Crew, commission: Commission, measures: Measures | None = None) -> None:
        self._crew = crew
        self._commission = commission
        self._measures = measures or Measures()

    async def encode(self, piece: Piece, on_seconds: OnSeconds) -> None:
        """Have a piece encoded, and its result kept in the store."""
        with self._measures.encode(piece.seconds), traces.span("encode", digest=piece.digest):
            await self._crew.run_apart(encode_remotely, piece, self._commission, on_seconds=on_seconds)
