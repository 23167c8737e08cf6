"""The worker of a cluster, which encodes: all that it needs beside the scheduler is the object store, and scratch."""

import asyncio
import platform
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
from matinee.errors import Misconfigured
from matinee.executor import Check, OnSeconds
from matinee.settings import Settings, WorkerSettings
from matinee.storage.object_store import ObjectStore
from protos.v1.jobs_pb2 import JobLease

log = structlog.get_logger()


@dataclass(frozen=True)
class Commission:
    """What a cluster encodes: a film, under the lease of a job; and the FFmpeg and the store of who wants it."""

    film: JobLease
    ffmpeg_version: str
    store: str

    @classmethod
    def of(cls, terms: JobLease, sha256: str, ffmpeg_version: str, store: str) -> "Commission":
        """A film whose SHA-256 is known by now, with no more of its lease than workers of a cluster need."""
        film = JobLease(
            upload_id=terms.upload_id,
            source_key=terms.source_key,
            size_bytes=terms.size_bytes,
            sha256=sha256,
            fencing_token=terms.fencing_token,
        )
        return cls(film, ffmpeg_version, store)


@dataclass(frozen=True)
class EncodingWorker:
    """Encodes pieces that come from afar; temporary files lie in `folder`."""

    settings: WorkerSettings
    store: ObjectStore
    films: Films
    folder: Path

    async def check_room(self) -> None:
        """Raises `DiskFull`."""
        await asyncio.to_thread(scratch.check_room, self.folder)

    def encode(self, piece: Piece, commission: Commission, check: Check, on_seconds: OnSeconds) -> None:
        """Encode a piece of an upload, and keep its result in the store.

        One that is there already stays: that it was stored may have been lost with a worker or the scheduler. Raises
        `Misconfigured` when the store here is another, or the ffmpeg, and so the bytes would be; `DiskFull`.
        """
        with scratch.telling_of_full_disk():
            self._encode(piece, commission, check, on_seconds)

    def _encode(self, piece: Piece, commission: Commission, check: Check, on_seconds: OnSeconds) -> None:
        results = Results(self.store, commission.film.upload_id)
        if not asyncio.run(results.is_marked(commission.film.fencing_token)):
            raise Misconfigured(_other_store(self.store.place, commission.store))
        if asyncio.run(results.holds(piece.digest)):
            return
        log.info("encoding", digest=piece.digest)
        ffmpeg, wanted = Ffmpeg.from_settings(self.settings), commission.ffmpeg_version
        if ffmpeg.version() != wanted:
            raise Misconfigured(
                f"a worker of the cluster has ffmpeg {ffmpeg.version()}, and the film is encoded with {wanted}"
            )
        source = self.films.fetch(commission.film, check)
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


def _other_store(own: str, wanted: str) -> str:
    here = f"the Dask worker on {platform.node()}"
    if own == wanted:
        return f"{own} is another folder for {here} than for `matinee worker`: mount the same one on both machines"
    return f"{here} has the object store {own}, and `matinee worker` has {wanted}: give both the same [store]"


def encode_remotely(piece: Piece, commission: Commission, *, check: Check, on_seconds: OnSeconds) -> None:
    """Have a piece encoded by the worker that this is called in."""
    from matinee.cluster.work import equipment

    worker: EncodingWorker = equipment()
    worker.encode(piece, commission, check, on_seconds)
