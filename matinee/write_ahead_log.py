"""Whether anybody has written to a SQLite file: told by when its write-ahead log was last touched.

To look at that costs next to nothing, unlike a query. The files themselves must not be opened beside SQLite: closing
them would drop its locks on them ("How To Corrupt An SQLite Database File", 2.2).

A commit is seen after its bytes were written: on a busy machine or a slow disk, which they are flushed to first, long
after. So a write is told again when it is twice as old, and so on.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

LOOK_SECONDS = 0.1
RACY_SECONDS = 0.05
"""Within so long, two writes may have one time of modification; clocks of file systems tick in milliseconds."""


async def writes(path: Path) -> AsyncIterator[None]:
    """Yield soon after each write of any process is seen by others, and once at the beginning; for ever.

    Soon is within LOOK_SECONDS, and for a commit that took longer, within as much time again.
    """
    log, known, again = Path(f"{path}-wal"), (-1, -1), 0.0
    while True:
        state = _state(log)
        age = time.time() - state[0] / 1e9
        if state != known or age >= again:
            yield
            known, again = state, max(RACY_SECONDS, 2 * age)
        await asyncio.sleep(LOOK_SECONDS)


def _state(log: Path) -> tuple[int, int]:
    try:
        found = log.stat()
    except OSError:  # there is none before the first write
        return 0, 0
    return found.st_mtime_ns, found.st_size
