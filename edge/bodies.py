"""The bodies of uploads: how many are received at once, in all and of one account, and how slowly they may come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from starlette.requests import ClientDisconnect

from edge.problems import RETRY_SECONDS
from matinee.errors import ResourceExhausted

PLACES = 16
"""Most bodies that are received at the same time; each holds up to three parts in memory."""
PLACES_OF_ACCOUNT = 4
"""Most of one account."""
PLACE_SECONDS = 10
"""How long a body waits for its place."""
PACE_BYTES = 64 * 1024
PACE_SECONDS = 30
"""A body has ended when its sender does not bring PACE_BYTES in so long: it is gone, or keeps a place from others."""


class Receivers:
    """The places at which bodies are received."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PLACES)
        self._of_accounts = WeakValueDictionary[str, asyncio.Semaphore]()

    @asynccontextmanager
    async def place(self, account_id: str) -> AsyncIterator[None]:
        """A place for one body of that account. Raises `ResourceExhausted` when none frees in time."""
        own = self._of_accounts.setdefault(account_id, asyncio.Semaphore(PLACES_OF_ACCOUNT))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(PLACE_SECONDS):
                    await stack.enter_async_context(own)
                    await stack.enter_async_context(self._places)
            except TimeoutError as error:
                sentence = f"too many uploads are on their way; go on in {RETRY_SECONDS} s"
                raise ResourceExhausted(sentence, retry_seconds=RETRY_SECONDS) from error
            yield


async def paced(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a body until it ends, its sender goes away, or it comes too slowly.

    Only waiting for the sender counts, and not what is done with a chunk.
    """
    now = asyncio.get_running_loop().time
    brought, left = 0, float(PACE_SECONDS)
    try:
        while True:
            began = now()
            async with asyncio.timeout(left):
                chunk = await anext(chunks)
            brought, left = brought + len(chunk), left - (now() - began)
            if brought >= PACE_BYTES:
                brought, left = 0, float(PACE_SECONDS)
            yield chunk
    except (StopAsyncIteration, ClientDisconnect, TimeoutError):
        return
