"""What control looks up for its operator: shown while it can be looked up, and missing rather than old otherwise."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from control.database import Connection, Database, outbox
from control.events.consumer import Consumer
from control.samples import Samples
from matinee.errors import Unavailable
from protos.v1.events_pb2 import MoviePlayed
from tests.events import paused, played, record

pytestmark = pytest.mark.anyio

OF_DATABASE = {
    "matinee_jobs", "matinee_job_queue_oldest_seconds", "matinee_outbox_events", "matinee_outbox_oldest_seconds",
    "matinee_mail_waiting", "matinee_playback_sessions", "matinee_playback_streams",
}  # fmt: skip
LAG = "matinee_consumer_lag_events"
REFUSED = "matinee_outbox_refused_events"


class Away:
    """A database that can be away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        if self.away:
            raise Unavailable("the database does not answer; try again")
        async with self._database.read() as connection:
            yield connection


class Bus:
    """A bus whose groups are three events behind, and that can hang."""

    def __init__(self) -> None:
        self.hangs = False

    async def lag(self, groups: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, int]]:
        if self.hangs:
            await asyncio.Event().wait()
        return {group: dict.fromkeys(topics, 3) for group, topics in groups.items()}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def samples_of(registry: CollectorRegistry, database: object = None, bus: object = None) -> Samples:
    return Samples(cast("Any", database), cast("Any", bus), time.time, registry, idle_seconds=60)


def shown(registry: CollectorRegistry) -> set[str]:
    return {sample.name for family in registry.collect() for sample in family.samples}


async def test_what_waits_is_missing_while_the_database_is_away(
    registry: CollectorRegistry, database: Database
) -> None:
    away = Away(database)
    samples = samples_of(registry, away)
    assert shown(registry) == set()
    await samples.look_up()
    assert shown(registry) == OF_DATABASE
    away.away = True
    with pytest.raises(Unavailable):
        await samples.look_up()
    assert shown(registry) == set()


async def test_what_the_bus_refuses_is_shown_by_topic(registry: CollectorRegistry, database: Database) -> None:
    await record(database, time.time, played(), played(), paused())
    async with database.write() as connection:
        events = await outbox.oldest(connection, 10)
        await outbox.refuse(connection, {event.event_id: "too large" for event in events})
    await samples_of(registry, database).look_up()
    refused = [registry.get_sample_value(REFUSED, {"topic": topic}) for topic in ("movie-played", "movie-paused")]
    assert refused == [2, 1]
    assert registry.get_sample_value("matinee_outbox_events") == 0


async def test_what_the_bus_takes_after_all_is_shown_as_refused_no_more(
    registry: CollectorRegistry, database: Database
) -> None:
    await record(database, time.time, played())
    async with database.write() as connection:
        (event,) = await outbox.oldest(connection, 10)
        await outbox.refuse(connection, {event.event_id: "too large"})
    samples = samples_of(registry, database)
    await samples.look_up()
    assert registry.get_sample_value(REFUSED, {"topic": "movie-played"}) == 1
    async with database.write() as connection:
        await outbox.offer_again(connection)
    await samples.look_up()
    assert registry.get_sample_value(REFUSED, {"topic": "movie-played"}) is None


async def test_lag_is_missing_while_the_bus_hangs(registry: CollectorRegistry) -> None:
    async def nothing(_: Connection, __: MoviePlayed) -> None:
        pass

    bus, consumers = Bus(), [Consumer("history", {MoviePlayed: nothing})]
    samples = samples_of(registry, bus=bus)
    await samples.look_at_lag(consumers)
    assert registry.get_sample_value(LAG, {"group": "history", "topic": "movie-played"}) == 3
    bus.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await samples.look_at_lag(consumers)
    assert shown(registry) == set()
