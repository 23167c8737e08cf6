"""The relay: takes events from the outbox to the bus, in the order of their causes.

An event leaves the outbox after the bus has it. A relay that dies in between sends it again, and whoever handles it
knows it by its id: so none is lost, and none takes effect twice.

One relay works at a time for a database, so that events are not sent twice for nothing. Order does not rest on that: a
relay sends an event after all that lie before it in the outbox, and one that is not there any more was sent before. So
even if two work at a time, what comes out of order is what the bus had before.

An event that the bus refuses for good stays in the outbox with the reason, and holds up nobody: the next ones of its
key follow. It is offered again when a relay starts. Where the bus takes nothing of a topic, that topic waits, in its
order, and is tried again after a pause; the others go on meanwhile.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from control.database import Database, outbox
from control.events.backoff import Backoff
from matinee.bus import Event, EventBus, Undelivered
from matinee.errors import Unavailable

BATCH = 500

log = structlog.get_logger()


class Relay:
    """Empties the outbox as soon as there is something in it."""

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus
        self._backoff = Backoff()
        self._closed: set[str] = set()
        """Topics that the bus does not take anything of; until the next attempt."""
        self._again_at: float | None = None
        """When that is, by the clock of the event loop."""

    async def run(self) -> None:
        """Relay until cancelled; while the bus or the database is away, events wait in the outbox."""
        begun = False
        while True:
            try:
                async with self._database.alone("relay"):
                    if not begun:
                        await self._offer_again()
                        begun = True
                    await self._work()
            except Unavailable as error:
                log.warning("events wait in the outbox", reason=str(error))
                await self._backoff.wait()

    async def relay(self) -> int:
        """Send the oldest events, and answer how many have left. Raises `Unavailable` when none does."""
        async with self._database.read() as connection:
            events = await outbox.oldest(connection, BATCH, self._closed)
        if not events:
            return 0
        try:
            await self._bus.publish(events)
        except Undelivered as error:
            await self._note(error, events)
            if left := len(error.kept) + len(error.refused):
                return left
            if error.closed:
                return await self.relay()
            raise
        async with self._database.write() as connection:
            await outbox.sent(connection, [event.event_id for event in events])
        return len(events)

    async def _work(self) -> None:
        while True:
            self._open_again()
            written = self._database.next_write()
            relayed = await self.relay()
            if not self._closed:
                self._backoff.reset()
            if not relayed:
                await self._rest(written)

    async def _rest(self, written: asyncio.Event) -> None:
        """Wait for something to send, or until it is time to try what is closed again."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._again_at):
                await written.wait()

    def _open_again(self) -> None:
        """Have what is closed tried again once it is time, however much the others have to send."""
        if self._again_at is not None and asyncio.get_running_loop().time() >= self._again_at:
            self._closed, self._again_at = set(), None

    async def _offer_again(self) -> None:
        """What was refused may be taken now: whoever has mended the bus starts control again."""
        async with self._database.write() as connection:
            await outbox.offer_again(connection)

    async def _note(self, error: Undelivered, events: Sequence[Event]) -> None:
        """Let the others go on."""
        if error.closed and self._again_at is None:
            self._again_at = asyncio.get_running_loop().time() + self._backoff.take()
        self._closed |= error.closed.keys()
        async with self._database.write() as connection:
            await outbox.sent(connection, error.kept)
            await outbox.refuse(connection, error.refused)
        for topic, why in error.closed.items():
            log.warning("events wait in the outbox", reason=f"{topic}: {why}")
        for event in events:
            if reason := error.refused.get(event.event_id):
                log.error("the bus refuses an event", topic=event.topic, event_id=event.event_id, reason=reason)
