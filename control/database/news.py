"""News between processes on one PostgreSQL: LISTEN and NOTIFY, as its manual has them.

A notification says only that something was written; who hears it, looks. So it is sent beside the transactions, one for
all that were committed since the last: inside them it would have the commits of all processes wait for each other. One
that is lost with its sender is made up for by a look every LOOK_SECONDS.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from sqlalchemy import URL

from control.database import postgresql

CHANNEL = "matinee"
LOOK_SECONDS = 0.5
"""How often to look without having heard of anything."""


class News:
    """Tells other processes that this one has written, and hears of what they have."""

    def __init__(self, url: URL, connect_seconds: float) -> None:
        self._url = url
        self._connect_seconds = connect_seconds
        self._stirred = asyncio.Event()
        self._to_tell = False

    def tell(self) -> None:
        """Something was committed here."""
        self._to_tell = True
        self._stirred.set()

    async def follow(self) -> AsyncIterator[None]:
        """Yields soon after others may have written, for as long as the server is there."""
        heard = True

        def hear(driver: Any, sender: int, *_: object) -> None:
            nonlocal heard
            if sender != driver.get_server_pid():
                heard = True
                self._stirred.set()

        async with postgresql.apart(self._url, "news", self._connect_seconds) as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.add_listener(CHANNEL, hear)
            while True:
                if self._to_tell:
                    self._to_tell = False
                    await connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
                if heard:
                    heard = False
                    yield
                if await self._nothing_stirs():
                    heard = True
                self._stirred.clear()

    async def _nothing_stirs(self) -> bool:
        """Wait for something to tell or to have heard; whether there was neither for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._stirred.wait()
                return False
        return True
