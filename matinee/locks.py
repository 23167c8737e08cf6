"""Locks on files, which the system takes back when their holder ends, however it ends."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from matinee.errors import Unavailable

POLL_SECONDS = 0.1


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    """Be the only one, of all processes of this machine, who holds the lock of this file; wait until that is so.

    Raises `Unavailable` when the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"the lock {path} cannot be taken: {error.strerror}") from error
    try:
        while not _taken(descriptor):  # noqa: ASYNC110 - no event tells of a lock that another process lets go
            await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
