"""Reviews: what is played is looked at again as soon as that is due.

It is when a period or a title's window ends, and when a plan, or what a title needs, has changed. No edge holds a grant
beyond that moment; the review tells players why, whether or not they ask for more just then.
"""

import asyncio
from dataclasses import dataclass

import structlog

from control.database import Database, playback_sessions, subscriptions
from control.playback.access import Access
from control.playback.announcer import Announcer
from matinee.errors import Unavailable

LOOK_SECONDS = 0.4
BATCH = 100

log = structlog.get_logger()


@dataclass(frozen=True)
class Reviews:
    """Every control process makes them; of one account one at a time does."""

    database: Database
    access: Access
    announcer: Announcer

    async def run(self) -> None:
        """Make them until cancelled."""
        while True:
            try:
                await self.catch_up()
            except Unavailable as error:
                log.warning("reviews wait for the database", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self) -> None:
        """Make all that are due. Raises `Unavailable` when the database does not answer."""
        while accounts := await self._due():
            for account_id in accounts:
                await self._look_at(account_id)
            self.announcer.wake()

    async def _due(self) -> list[str]:
        async with self.database.read() as connection:
            return await playback_sessions.reviews(connection, self.access.clock(), BATCH)

    async def _look_at(self, account_id: str) -> None:
        """One account in a transaction, so that nobody who holds sessions in another order waits in a circle."""
        async with self.database.write() as connection:
            held = await subscriptions.hold(connection, account_id) is not None
            if held and await playback_sessions.needs_review(connection, account_id, self.access.clock()):
                await self.access.review(connection, account_id)
