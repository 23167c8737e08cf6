"""What control looks up when its measures are read: what waits in the database, on the bus and for the mail server.

Every control of a house looks at the same database and bus, so these are no sums: take the largest.
"""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Gauge

from control.accounts.mail.postbox import Postbox
from control.database import Database, jobs, outbox, playback_sessions, waiting_letters
from control.events.consumer import BatchConsumer, Consumer
from control.events.runner import topic_of
from control.playback.announcer import Announcer
from matinee.bus import EventBus
from matinee.errors import Unavailable
from matinee.telemetry.readings import add_reading
from matinee.tokens import Clock


class Samples:
    """The gauges of one control; what cannot be looked up is missing rather than old."""

    def __init__(
        self, database: Database, bus: EventBus, clock: Clock, registry: CollectorRegistry, *, idle_seconds: float
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._jobs = Gauge("matinee_jobs", "Jobs that are not at their end.", ["state"], registry=registry)
        self._queue_age = Gauge(
            "matinee_job_queue_oldest_seconds", "How long the job has waited that is next; 0 when none waits.", [],
            registry=registry,
        )  # fmt: skip
        self._outbox = Gauge("matinee_outbox_events", "Events that wait for the bus.", [], registry=registry)
        self._outbox_age = Gauge(
            "matinee_outbox_oldest_seconds", "How long the oldest event has waited; 0 when none waits.", [],
            registry=registry,
        )  # fmt: skip
        self._lag = Gauge(
            "matinee_consumer_lag_events", "Events on the bus that a consumer group has not done.", ["group", "topic"],
            registry=registry,
        )  # fmt: skip
        self._mail = Gauge("matinee_mail_waiting", "Letters that are not sent yet.", [], registry=registry)
        self._sessions = Gauge("matinee_playback_sessions", "Playback sessions that are open.", [], registry=registry)
        self._streams = Gauge(
            "matinee_playback_streams", "Playback sessions that somebody is watching.", [], registry=registry
        )

    async def look_up(self) -> None:
        """Look at the database. Raises `Unavailable`."""
        now = self._clock()
        async with self._database.read() as connection:
            counts = await jobs.under_way(connection)
            queued_at = await jobs.waiting_since(connection, now)
            waiting, oldest = await outbox.waiting(connection)
            letters = await waiting_letters.count(connection)
            sessions, streams = await playback_sessions.count(connection, now, now - self._idle_seconds)
        for state, count in counts.items():
            self._jobs.labels(state.value).set(count)
        self._queue_age.set(max(0.0, now - queued_at) if queued_at else 0)
        self._outbox.set(waiting)
        self._outbox_age.set(max(0.0, now - oldest) if oldest else 0)
        self._mail.set(letters)
        self._sessions.set(sessions)
        self._streams.set(streams)

    async def look_at_lag(self, consumers: Collection[Consumer | BatchConsumer]) -> None:
        """Look at the bus. Raises `Unavailable`."""
        for consumer in consumers:
            try:
                lag = await self._bus.lag(consumer.group, [topic_of(kind) for kind in consumer.kinds])
            except Unavailable:
                self._lag.clear()
                raise
            for topic, events in lag.items():
                self._lag.labels(consumer.group, topic).set(events)


def watch_postbox(registry: CollectorRegistry, postbox: Postbox) -> None:
    """Read what the postbox knows."""
    add_reading(registry, "matinee_mail_sent_total", "Letters that were sent.", lambda: postbox.sent)
    add_reading(registry, "matinee_mail_failed_total", "Letters that were given up.", lambda: postbox.failed)


def watch_edges(registry: CollectorRegistry, announcer: Announcer) -> None:
    """Read how many edges hear news from this control."""
    add_reading(registry, "matinee_edges_connected", "Edges that are connected.", lambda: announcer.listeners)
