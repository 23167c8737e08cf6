"""Whether anybody has written to a SQLite file: told by when its write-ahead log was last touched.

To look at that costs next to nothing, unlike a query. The files themselves must not be opened beside SQLite: closing
them would drop its locks on them ("How To Corrupt An SQLite Database File", 2.2).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

LOOK_SECONDS = 0.1
RACY_SECONDS = 0.05
"""Within so long, two writes may have one time of modification; clocks of file systems tick in milliseconds."""


async def writes(path: Path) -> AsyncIterator[None]:
    """Yield within LOOK_SECONDS of each write of any process, and once at the beginning; for ever."""
    log, known = Path(f"{path}-wal"), (-1, -1)
    while True:
        state = _state(log)
        if state != known:
            yield
        known = state if state[0] < time.time_ns() - RACY_SECONDS * 1e9 else (-1, -1)
        await asyncio.sleep(LOOK_SECONDS)


def _state(log: Path) -> tuple[int, int]:
    try:
        found = log.stat()
    except OSError:  # there is none before the first write
        return 0, 0
    return found.st_mtime_ns, found.st_size
