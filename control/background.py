"""What goes on in control beside its services, and what the operator sees of it."""

from collections.abc import Coroutine, Iterator
from functools import partial

from control.accounts.area import Accounts
from control.analytics import history, quality
from control.analytics.plays import STATISTICS
from control.events.consumer import BatchConsumer, Consumer
from control.events.relay import Relay
from control.events.runner import Runner, topic_of
from control.jobs.incoming import SETTLED_SECONDS, Incoming
from control.measures import MissedEvents
from control.parts import Parts
from control.playback.consumers import access_sync
from control.playback.reviews import Reviews
from control.samples import Samples, watch_edges, watch_postbox
from matinee.buckets.bucket import bucket
from matinee.layout import INCOMING


def background(parts: Parts, accounts: Accounts) -> Iterator[Coroutine[None, None, None]]:
    """What goes on beside the services until control stops."""
    yield parts.database.hear_others(parts.announcer.wake)
    yield parts.announcer.run()
    yield Reviews(parts.database, parts.access, parts.announcer).run()
    yield parts.notices.run()
    yield parts.housekeeping.run()
    yield parts.trainer.run()
    yield accounts.postbox.run()
    yield _incoming(parts).run()
    yield Relay(parts.database, parts.bus).run()
    for consumer in _consumers(parts, accounts):
        yield Runner(consumer, parts.database, parts.bus, parts.clock, parts.measures).run()


def show(parts: Parts, accounts: Accounts) -> None:
    """Let the operator see what waits, and what control leans on: without the database there is nothing it can do."""
    instruments, consumers = parts.instruments, _consumers(parts, accounts)
    samples = Samples(
        parts.database, parts.bus, parts.clock, instruments.registry, idle_seconds=parts.settings.playback.idle_seconds
    )
    instruments.sample(samples.look_up)
    instruments.sample(lambda: samples.look_at_lag(consumers))
    topics = {consumer.group: [topic_of(kind) for kind in consumer.kinds] for consumer in consumers}
    MissedEvents(instruments.registry, parts.bus.gaps, topics)
    watch_postbox(instruments.registry, accounts.postbox)
    watch_edges(instruments.registry, parts.announcer)
    instruments.readiness.depend("database", parts.database.check)
    instruments.readiness.depend("bus", parts.bus.check, required=False)
    instruments.readiness.depend("store", partial(parts.store.probe, "control"), required=False)


def _consumers(parts: Parts, accounts: Accounts) -> tuple[Consumer | BatchConsumer, ...]:
    """Everybody who acts on events."""
    return (
        access_sync(parts.access, parts.announcer),
        quality.CONSUMER,
        history.consumer(parts.clock),
        STATISTICS,
        *accounts.consumers,
    )


def _incoming(parts: Parts) -> Incoming:
    settings = parts.settings
    in_bucket = settings.store_url.startswith("s3://")
    notifications = None
    if in_bucket and settings.incoming.account:
        from matinee.buckets.notifications import Notifications

        notifications = Notifications(bucket(settings.store), INCOMING)
    return Incoming(
        parts.database,
        parts.store,
        settings.incoming,
        parts.clock,
        notifications=notifications,
        settled_seconds=0.0 if in_bucket else SETTLED_SECONDS,
    )
