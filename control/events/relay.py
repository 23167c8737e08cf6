"""The relay: takes events from the outbox to the bus, in the order of their causes.

An event leaves the outbox after the bus has it. A relay that dies in between sends it again, and whoever handles it
knows it by its id: so none is lost, and none takes effect twice.

One relay works at a time for a database, so that events are not sent twice for nothing. Order does not rest on that: a
relay sends an event after all that lie before it in the outbox, and one that is not there any more was sent before. So
even if two work at a time, what comes out of order is what the bus had before.
"""

import structlog

from control.database import Database, outbox
from control.events.backoff import Backoff
from matinee.bus import EventBus
from matinee.errors import Unavailable

BATCH = 500

log = structlog.get_logger()


class Relay:
    """Empties the outbox as soon as there is something in it."""

    def __init__(self, database: Database, bus: EventBus) -> None:
        self._database = database
        self._bus = bus

    async def run(self) -> None:
        """Relay until cancelled; while the bus or the database is away, events wait in the outbox."""
        backoff = Backoff()
        while True:
            try:
                async with self._database.alone("relay"):
                    while True:
                        written = self._database.next_write()
                        relayed = await self.relay()
                        backoff.reset()
                        if not relayed:
                            await written.wait()
            except Unavailable as error:
                log.warning("events wait in the outbox", reason=str(error))
                await backoff.wait()

    async def relay(self) -> int:
        """Send the oldest events, and answer how many. Raises `Unavailable`."""
        async with self._database.read() as connection:
            events = await outbox.oldest(connection, BATCH)
        if events:
            await self._bus.publish(events)
            async with self._database.write() as connection:
                await outbox.sent(connection, [event.event_id for event in events])
        return len(events)
