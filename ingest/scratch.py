"""Scratch folders: one for each running worker, locked while it lives; the next worker removes those of the dead."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "worker-"


@contextmanager
def claim(root: Path) -> Iterator[Path]:
    """A folder below `root` for this worker alone; it is gone afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
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
