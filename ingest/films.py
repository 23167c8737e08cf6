"""Films on this machine, each fetched once for all workers of a cluster that are on it.

A film lies in a folder of its own. Who uses it holds a shared lock on the folder, and whoever can lock it for himself
alone may remove it; the lock of a killed worker goes with it.
"""

import asyncio
import fcntl
import os
import shutil
import time
from pathlib import Path

from ingest.fetch import fetch
from matinee.executor import Check
from matinee.storage.object_store import ObjectStore
from protos.v1.jobs_pb2 import JobLease

FILM = "film"
POLL_SECONDS = 0.1


class Films:
    """The films below `root`, and the one that this worker uses."""

    def __init__(self, root: Path, store: ObjectStore) -> None:
        self._root = root
        self._store = store
        self._held: dict[str, int] = {}

    def fetch(self, terms: JobLease, check: Check) -> Path:
        """Where the film of an upload lies; it stays until another is asked for.

        While another worker fetches it, this one waits. Raises what `ingest.fetch` raises, and what `check` raises.
        """
        if terms.upload_id not in self._held:
            self.sweep()
            self._held[terms.upload_id] = self._hold(terms, check)
        return self._root / terms.upload_id / FILM

    def sweep(self) -> None:
        """Let go of the film that was used, and remove all that nobody uses."""
        for lock in self._held.values():
            os.close(lock)
        self._held.clear()
        for folder in self._root.glob("*"):
            alone = _lock(folder, fcntl.LOCK_EX)
            if alone is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(alone)

    def _hold(self, terms: JobLease, check: Check) -> int:
        """A shared lock on the folder of a film that is there whole."""
        folder = self._root / terms.upload_id
        while True:
            check()
            folder.mkdir(parents=True, exist_ok=True)
            alone = _lock(folder, fcntl.LOCK_EX)
            if alone is not None:
                try:
                    self._complete(terms, folder, check)
                finally:
                    os.close(alone)
            shared = _lock(folder, fcntl.LOCK_SH)
            if shared is not None:
                if (folder / FILM).exists():
                    return shared
                os.close(shared)
            time.sleep(POLL_SECONDS)

    def _complete(self, terms: JobLease, folder: Path, check: Check) -> None:
        if not (folder / FILM).exists():
            part = folder / "part"
            try:
                asyncio.run(fetch(self._store, terms, part, lambda done: check()))
                part.rename(folder / FILM)
            finally:
                part.unlink(missing_ok=True)


def _lock(folder: Path, mode: int) -> int | None:
    """A lock on a folder, if it can be had now and the folder is still there."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), folder.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None
