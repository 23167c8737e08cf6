"""What control does by itself: it forgets what has expired, renews the signing keys, and removes unneeded objects.

And it ends the jobs that were asked to stop while their workers died, should no other worker come by.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from control.accounts.keyring import Keyring
from control.database import (
    Connection,
    Database,
    announcements,
    email_tokens,
    handled_events,
    history,
    identities,
    jobs,
    outbox,
    quality,
    removals,
    sessions,
    statistics,
    unfinished_assets,
)
from control.jobs.job import cancelled
from matinee.errors import Unavailable
from matinee.layout import asset_prefix
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Clock

ROUND_SECONDS = 30.0
ANNOUNCED_SECONDS = 3_600.0
MARGIN_SECONDS = 3_600.0
"""How much longer than an event itself it is remembered that it was handled, or is to be passed over."""
DAY_SECONDS = 86_400
VIEWING_DAYS = 400
"""How long it is kept what was played, and how well: a year, to compare with, and a month."""
ABANDONED_SECONDS = 86_400.0
"""How old an asset is that nobody writes any more, even who slept: younger ones their workers remove themselves."""

log = structlog.get_logger()


Round = Callable[[], Awaitable[None]]
"""What an area does of its own in each round. May raise `Unavailable`."""


class Housekeeping:
    """Makes a round every ROUND_SECONDS, and at once when it is woken."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        keyring: Keyring,
        clock: Clock,
        *,
        event_seconds: float,
        audit_seconds: float,
        rounds: Sequence[Round] = (),
    ) -> None:
        self._database = database
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._event_seconds = event_seconds
        self._audit_seconds = audit_seconds
        self._rounds = rounds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Make a round now: there are objects to remove."""
        self._wake.set()

    async def run(self) -> None:
        """Make rounds until cancelled."""
        while True:
            try:
                await self.make_round()
            except Unavailable as error:
                log.warning("housekeeping was put off", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def make_round(self) -> None:
        """Do all that is due. Raises `Unavailable` when the database does not answer."""
        await self._keyring.renew()
        await self._database.transact(self._forget)
        for make in self._rounds:
            await make()
        await self._remove_objects()

    async def _forget(self, connection: Connection) -> None:
        now = self._clock()
        await sessions.forget_expired(connection, now)
        await sessions.forget_audit(connection, now - self._audit_seconds)
        await email_tokens.forget_expired(connection, now)
        await identities.forget_expired(connection, now)
        await announcements.forget(connection, now - ANNOUNCED_SECONDS)
        await handled_events.forget(connection, now - self._event_seconds - MARGIN_SECONDS)
        await history.forget_forgotten(connection, now - self._event_seconds - MARGIN_SECONDS)
        await outbox.forget_refused(connection, now - self._event_seconds)
        await quality.forget(connection, int(now // DAY_SECONDS) - VIEWING_DAYS)
        await statistics.forget(connection, int(now // DAY_SECONDS) - VIEWING_DAYS)
        for job in await jobs.abandoned(connection, now):
            await jobs.save(connection, cancelled(job, now=now))
        abandoned = await unfinished_assets.take_abandoned(connection, now - ABANDONED_SECONDS)
        await removals.note(connection, map(asset_prefix, abandoned), now)

    async def _remove_objects(self) -> None:
        async with self._database.read() as connection:
            prefixes = await removals.pending(connection)
        for prefix in prefixes:
            async with self._database.read() as connection:
                if not await removals.is_pending(connection, prefix):
                    continue  # another control was quicker, and a worker may have begun again
            try:
                await self._store.delete_prefix(prefix)
            except Unavailable as error:
                log.warning("objects could not be removed yet", prefix=prefix, reason=str(error))
                continue
            async with self._database.write() as connection:
                await removals.done(connection, prefix)
