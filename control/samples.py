"""What control looks up when its measures are read: what waits in the database, on the bus and for the mail server.

Every control of a house looks at the same database and bus, so these are no sums: take the largest.
"""

from collections.abc import Collection

from prometheus_client import CollectorRegistry

from control.accounts.mail.postbox import Postbox
from control.database import Connection, Database, jobs, outbox, playback_sessions, waiting_letters
from control.events.consumer import BatchConsumer, Consumer
from control.events.runner import topic_of
from control.playback.announcer import Announcer
from matinee.bus import EventBus
from matinee.telemetry.readings import Sampled, add_reading, looked_up
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
        self._jobs = Sampled(registry, "matinee_jobs", "Jobs that are not at their end.", "state")
        self._queue_age = Sampled(
            registry, "matinee_job_queue_oldest_seconds", "How long the job has waited that is next; 0 when none waits."
        )
        self._outbox = Sampled(registry, "matinee_outbox_events", "Events that wait for the bus.")
        self._outbox_age = Sampled(
            registry, "matinee_outbox_oldest_seconds", "How long the oldest event has waited; 0 when none waits."
        )
        self._refused = Sampled(registry, "matinee_outbox_refused_events", "Events that the bus refuses.", "topic")
        self._lag = Sampled(
            registry, "matinee_consumer_lag_events", "Events on the bus that a group has not done.", "group", "topic"
        )
        self._mail = Sampled(registry, "matinee_mail_waiting", "Letters that are not sent yet.")
        self._sessions = Sampled(registry, "matinee_playback_sessions", "Playback sessions that are open.")
        self._streams = Sampled(registry, "matinee_playback_streams", "Playback sessions that somebody is watching.")

    async def look_up(self) -> None:
        """Look at the database. Raises `Unavailable`."""
        with looked_up(
            *(self._jobs, self._queue_age, self._outbox, self._outbox_age, self._refused),
            *(self._mail, self._sessions, self._streams),
        ):
            async with self._database.read() as connection:
                await self._look_at(connection, self._clock())

    async def _look_at(self, connection: Connection, now: float) -> None:
        for state, count in (await jobs.under_way(connection)).items():
            self._jobs.set(count, state.value)
        queued_at = await jobs.waiting_since(connection, now)
        self._queue_age.set(max(0.0, now - queued_at) if queued_at else 0)
        waiting, oldest = await outbox.waiting(connection)
        self._outbox.set(waiting)
        self._outbox_age.set(max(0.0, now - oldest) if oldest else 0)
        refused = await outbox.refused(connection)
        self._refused.forget()  # or a topic would stay of which nothing is refused any more
        for topic, (count, _) in refused.items():
            self._refused.set(count, topic)
        self._mail.set(await waiting_letters.count(connection))
        sessions, streams = await playback_sessions.count(connection, now, now - self._idle_seconds)
        self._sessions.set(sessions)
        self._streams.set(streams)

    async def look_at_lag(self, consumers: Collection[Consumer | BatchConsumer]) -> None:
        """Look at the bus. Raises `Unavailable`."""
        with looked_up(self._lag):
            groups = {consumer.group: [topic_of(kind) for kind in consumer.kinds] for consumer in consumers}
            for group, lag in (await self._bus.lag(groups)).items():
                for topic, events in lag.items():
                    self._lag.set(events, group, topic)


def watch_postbox(registry: CollectorRegistry, postbox: Postbox) -> None:
    """Read what the postbox knows."""
    add_reading(registry, "matinee_mail_sent_total", "Letters that were sent.", lambda: postbox.sent)
    add_reading(registry, "matinee_mail_failed_total", "Letters that were given up.", lambda: postbox.failed)


def watch_edges(registry: CollectorRegistry, announcer: Announcer) -> None:
    """Read how many edges hear news from this control."""
    add_reading(registry, "matinee_edges_connected", "Edges that are connected.", lambda: announcer.listeners)
