"""Scratch folders: one for each running worker, locked while it lives; the next worker removes those of the dead.

And the room on their disk: a full one is told by the name of its machine, for whoever has to make room there.
"""

import errno
import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from matinee.errors import DiskFull

PREFIX = "worker-"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LEAST_BYTES = 16 * 1024**2
"""Work on the smallest film takes about as much."""


@contextmanager
def claim(root: Path) -> Iterator[Path]:
    """A folder below `root` for this worker alone; it is gone afterwards. Raises `DiskFull`."""
    with telling_of_full_disk():
        root.mkdir(parents=True, exist_ok=True)
    with locked(root), telling_of_full_disk():
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def orphans(root: Path) -> Iterator[list[Path]]:
    """The folders below `root` whose workers are dead; they are removed afterwards.

    Folders of living workers are locked and so left alone, and so is everything that no worker made.
    """
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        dead = [folder for folder in sorted(root.glob(f"{PREFIX}*")) if _is_free(folder)]
    yield dead
    for folder in dead:
        shutil.rmtree(folder, ignore_errors=True)


def full() -> DiskFull:
    """Says that the disk of this machine is full."""
    return DiskFull(f"the disk of {platform.node()} is full: make room for its worker.scratch")


@contextmanager
def telling_of_full_disk() -> Iterator[None]:
    """Raises `DiskFull` for the errors by which the system tells of it."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full() from error
        raise


def check_room(folder: Path, size: int = LEAST_BYTES) -> None:
    """Raises `DiskFull` where there is no room for so many bytes; they are taken for a moment, as quotas count too."""
    with telling_of_full_disk(), tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size)


@contextmanager
def locked(folder: Path, mode: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Holds a lock on a folder; it ends with the process at the latest."""
    lock = _lock(folder, mode)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, mode: int = fcntl.LOCK_EX) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_free(folder: Path) -> bool:
    with suppress(BlockingIOError, FileNotFoundError), locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return True
    return False
