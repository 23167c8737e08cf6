"""The worker of a cluster, which encodes: all that it needs beside the scheduler is the object store, and scratch."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from ingest import scratch
from ingest.encoding import Piece
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.films import Films
from ingest.results import Results
from matinee.errors import Unavailable
from matinee.executor import Check, OnSeconds
from matinee.settings import Settings, WorkerSettings
from matinee.storage import ObjectStore
from protos.v1.jobs_pb2 import JobLease

log = structlog.get_logger()


@dataclass(frozen=True)
class EncodingWorker:
    """Encodes pieces that come from afar; temporary files lie in `folder`."""

    settings: WorkerSettings
    store: ObjectStore
    films: Films
    folder: Path

    def encode(self, piece: Piece, film: JobLease, version: str, check: Check, on_seconds: OnSeconds) -> None:
        """Encode a piece of an upload, and keep its result in the store.

        One that is there already stays: that it was stored may have been lost with a worker or the scheduler. Raises
        `Unavailable` when the ffmpeg here is another than `version`, and so the bytes would be.
        """
        results = Results(self.store, film.upload_id)
        if asyncio.run(results.holds(piece.digest)):
            return
        log.info("encoding", digest=piece.digest)
        ffmpeg = Ffmpeg.from_settings(self.settings)
        if ffmpeg.version() != version:
            raise Unavailable(
                f"a worker of the cluster has ffmpeg {ffmpeg.version()}, and the film is encoded with {version}"
            )
        source = self.films.fetch(film, check)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            limits = Limits.from_settings(self.settings, piece.seconds)
            piece.encode(source, folder, ffmpeg, limits, check=check, on_seconds=on_seconds)
            check()
            asyncio.run(results.put(piece.digest, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        log.info("encoded", digest=piece.digest, seconds=piece.seconds)


@contextmanager
def open_encoding_worker(settings: Settings, store: ObjectStore) -> Iterator[EncodingWorker]:
    """The worker of this process; what killed ones left is removed first."""
    root = settings.scratch_directory / "cluster"
    with scratch.orphans(root) as dead:
        log.info("what killed workers left is removed", folders=len(dead))
    with scratch.claim(root) as folder:
        films = Films(root / "films", store)
        films.sweep()
        try:
            yield EncodingWorker(settings.worker, store, films, folder)
        finally:
            films.sweep()


def encode_remotely(piece: Piece, film: JobLease, version: str, *, check: Check, on_seconds: OnSeconds) -> None:
    """Have a piece encoded by the worker that this is called in."""
    from matinee.cluster.work import equipment

    worker: EncodingWorker = equipment()
    worker.encode(piece, film, version, check, on_seconds)
