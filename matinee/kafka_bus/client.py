"""A client of aiokafka that connects when it is first needed, and stays connected."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any


class KeptClient:
    """A client that many may use at the same time; after a use that failed or was broken off, another one is made."""

    def __init__(self, make: Callable[[], Any], stop: Callable[[Any], Awaitable[None]]) -> None:
        self._make = make
        self._stop = stop
        self._client: Any = None
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Any]:
        """The client, connected. Raises errors of aiokafka."""
        client = await self._started()
        try:
            yield client
        except BaseException:
            await self._give_up(client)
            raise

    async def close(self) -> None:
        """Close the connections."""
        if self._client:
            await self._give_up(self._client)

    async def _started(self) -> Any:
        async with self._starting:
            if self._client is None:
                client = self._make()
                try:
                    await client.start()
                except BaseException:
                    await self._stop(client)
                    raise
                self._client = client
            return self._client

    async def _give_up(self, client: Any) -> None:
        if client is self._client:
            self._client = None
            await self._stop(client)
