"""The runner: hands the events of the bus to consumers.

A batch of events is handled in one transaction, which notes them as done. When it fails its events are tried one by
one; an event that fails again and again, or can never be true, goes to the dead-letter topic and holds up nobody. While
the database or the bus is away nothing is given up: the event is tried until they are back.
"""

from collections.abc import Sequence

import structlog
from google.protobuf.message import Message

from control.database import Connection, Database, handled_events
from control.events import reading
from control.events.backoff import Backoff
from control.events.consumer import BatchConsumer, Consumer
from control.measures import Measures
from matinee.bus import Event, EventBus, Subscription, Undelivered
from matinee.cloud_events import DEAD_LETTER
from matinee.errors import InvalidInput, Unavailable
from matinee.tokens import Clock
from protos.v1 import events_pb2

BATCH = 100
"""Most events in a transaction: others wait for it."""
ATTEMPTS = 5
LONGEST_REASON = 500
AHEAD_SECONDS = 86_400
"""How far in the future an event may have happened: clocks differ. One from further on would be the latest for ever."""

log = structlog.get_logger()


class Runner:
    """Runs one consumer."""

    def __init__(
        self,
        consumer: Consumer | BatchConsumer,
        database: Database,
        bus: EventBus,
        clock: Clock,
        measures: Measures | None = None,
    ) -> None:
        measures = measures or Measures()
        self._done = measures.events.labels(consumer.group)
        self._consumer = consumer
        self._database = database
        self._bus = bus
        self._clock = clock
        self._kinds = {topic_of(kind): kind for kind in consumer.kinds}
        # Each is there from the start, at 0: a rise to 1 that nobody saw rise would wake nobody.
        self._dead_letters = {topic: measures.dead_letters.labels(consumer.group, topic) for topic in self._kinds}
        self._log = log.bind(group=consumer.group)

    async def run(self) -> None:
        """Handle events until cancelled."""
        backoff = Backoff()
        while True:
            try:
                async with self._bus.subscribe(self._consumer.group, list(self._kinds)) as subscription:
                    while True:
                        await self._next(subscription)
                        backoff.reset()
            except Unavailable as error:
                self._log.warning("events wait on the bus", reason=str(error))
                await backoff.wait()

    async def _next(self, subscription: Subscription) -> None:
        events = await subscription.take(BATCH)
        try:
            await self.handle(events)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one of the events is its cause
            self._log.info("a batch is handled one by one", reason=_sentence(error))
            for event in events:
                await self._handle_alone(event)
        await subscription.commit()

    async def handle(self, events: Sequence[Event]) -> None:
        """Handle events in one transaction, but for those that were handled before. Raises what the handler raises.

        `InvalidInput` says that it can never be done.
        """
        once = {event.event_id: event for event in events}

        async def work(connection: Connection) -> int:
            fresh = await handled_events.note(connection, self._consumer.group, list(once), self._clock())
            await self._consumer.act(connection, [self._message(once[each]) for each in once if each in fresh])
            return len(fresh)

        done = await self._database.transact(work)
        self._done.inc(done)
        if done and self._consumer.after:
            self._consumer.after()

    def _message(self, event: Event) -> Message:
        return reading.read(self._kinds[event.topic], event.data, self._clock() + AHEAD_SECONDS)

    async def _handle_alone(self, event: Event) -> None:
        backoff = Backoff()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self.handle([event])
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the event waits on the dead-letter topic
                if attempt == ATTEMPTS or isinstance(error, InvalidInput):
                    return await self._bury(event, error)
            await backoff.wait()
        return None

    async def _bury(self, event: Event, error: Exception) -> None:
        """Put an event onto the dead-letter topic, with the group, the reason and the time, and note it as done."""
        reason = f"{self._consumer.group}: {_sentence(error)}"[:LONGEST_REASON]
        self._log.error("an event cannot be handled", event_id=event.event_id, topic=event.topic, exc_info=error)
        buried = event._replace(topic=event.topic + DEAD_LETTER, time=self._clock(), reason=reason)
        try:
            await self._bus.publish([buried])
        except Undelivered as undelivered:
            if not undelivered.refused:
                raise
            self._log.error("the dead-letter topic refuses an event", event_id=event.event_id, reason=str(undelivered))
        self._dead_letters[event.topic].inc()
        async with self._database.write() as connection:
            await handled_events.note(connection, self._consumer.group, [event.event_id], self._clock())


def topic_of(kind: type[Message]) -> str:
    """The topic of a kind of event, as its contract says."""
    return str(kind.DESCRIPTOR.GetOptions().Extensions[events_pb2.topic])


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, InvalidInput) else f"{type(error).__name__}: {error}"
