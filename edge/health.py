"""Whether this edge lives, and whether it can do its work: /healthz and /readyz."""

import asyncio
import time
from collections.abc import Callable

from edge.keys import Keys
from matinee.errors import MatineeError
from matinee.storage import ObjectStore

PROBE_KEY = "health/edge"
REMEMBERED_SECONDS = 1.0


class Readiness:
    """What keeps this edge from serving, asked of control and of the store at most once a second."""

    def __init__(self, keys: Keys, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._faults: list[str] = []

    async def faults(self) -> list[str]:
        """One sentence for each thing that is missing; empty when the edge is ready."""
        async with self._lock:
            if self._clock() >= self._asked_at + REMEMBERED_SECONDS:
                self._faults = [fault for fault in (await self._control(), await self._storage()) if fault]
                self._asked_at = self._clock()
        return self._faults

    async def _control(self) -> str:
        try:
            await self._keys.refresh(max_age=REMEMBERED_SECONDS)
        except MatineeError as error:
            return f"control: {error}"
        return ""

    async def _storage(self) -> str:
        try:
            await self._store.create(PROBE_KEY, b"")
            await self._store.get(PROBE_KEY)
        except MatineeError as error:
            return f"store: {error}"
        return ""
