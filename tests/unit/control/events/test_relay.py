"""The relay: what is committed reaches the bus, in order and soon, and what is not never does."""

import asyncio
from contextlib import suppress

import pytest

from control import event_data
from control.database import Database, outbox
from control.database.engine import open_database
from control.events.relay import BATCH, Relay
from matinee.bus import Event, EventBus
from matinee.errors import Conflict
from protos.v1.events_pb2 import MoviePlayed
from tests.control_house import TurnedClock
from tests.edge_desk import running
from tests.events import ADA, Outage, on_the_bus, paused, played, record, waiting
from tests.patience import until, within

pytestmark = pytest.mark.anyio


def positions(events: list[Event]) -> list[float]:
    return [event_data.decoded(MoviePlayed, event.data).position_seconds for event in events]


async def test_an_event_has_the_topic_and_the_key_of_its_contract(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    await record(database, clock, paused(7.5))
    await Relay(database, bus).relay()
    (event,) = await on_the_bus(bus, 1)
    assert (event.topic, event.key, event.data) == ("movie-paused", ADA, event_data.encoded(paused(7.5)))
    assert abs(event.time - clock()) < 60


async def test_what_was_sent_has_left_the_outbox(database: Database, bus: EventBus, clock: TurnedClock) -> None:
    await record(database, clock, played())
    assert await Relay(database, bus).relay() == 1
    assert await waiting(database) == []
    assert await Relay(database, bus).relay() == 0


async def test_what_is_rolled_back_is_no_event(database: Database, bus: EventBus, clock: TurnedClock) -> None:
    with suppress(Conflict):
        async with database.write() as connection:
            await outbox.record(connection, played(), clock)
            raise Conflict("the cause failed")
    assert await Relay(database, bus).relay() == 0


async def test_a_running_relay_is_woken_by_what_this_process_records(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    async with running(Relay(database, bus).run()):
        for number in range(20):
            async with within(0.2):
                await record(database, clock, played(number))
                await on_the_bus(bus, number + 1)


async def test_a_running_relay_hears_soon_of_what_another_process_records(
    database: Database, bus: EventBus, clock: TurnedClock, database_url: str
) -> None:
    other = await open_database(database_url)
    async with running(Relay(database, bus).run()), running(database.hear_others(lambda: None)):
        for number in range(5):
            async with within(0.5):
                await record(other, clock, played(number))
                await on_the_bus(bus, number + 1)
    await other.close()


async def test_a_backlog_of_many_batches_keeps_its_order(database: Database, bus: EventBus, clock: TurnedClock) -> None:
    count = 2 * BATCH + 10
    await record(database, clock, *(played(number) for number in range(count)))
    async with running(Relay(database, bus).run()):
        assert positions(await on_the_bus(bus, count)) == list(range(count))
        await until(lambda: _empty(database))


async def test_while_the_bus_is_away_events_wait_and_then_all_are_sent(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    outage = Outage(bus)
    outage.away = True
    async with running(Relay(database, outage).run()):
        await record(database, clock, played(1))
        await until(lambda: outage.refused >= 2)
        await record(database, clock, played(2))
        outage.away = False
        assert positions(await on_the_bus(bus, 2)) == [1, 2]


async def test_two_relays_of_one_database_send_each_event_once(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    async with running(Relay(database, bus).run()), running(Relay(database, bus).run()):
        for number in range(50):
            await record(database, clock, played(number))
        assert positions(await on_the_bus(bus, 50)) == list(range(50))
        await until(lambda: _empty(database))
        await record(database, clock, played(50))
        assert positions(await on_the_bus(bus, 51))[-1] == 50


async def test_another_relay_takes_over_when_one_ends(database: Database, bus: EventBus, clock: TurnedClock) -> None:
    first = asyncio.create_task(Relay(database, bus).run())
    await record(database, clock, played(1))
    await on_the_bus(bus, 1)
    await until(lambda: _empty(database))
    async with running(Relay(database, bus).run()):
        first.cancel()
        await asyncio.wait([first])
        await record(database, clock, played(2))
        assert positions(await on_the_bus(bus, 2)) == [1, 2]


async def test_a_relay_that_dies_before_it_notes_what_it_sent_sends_it_again(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    await record(database, clock, played(1))
    await bus.publish(await waiting(database))
    await Relay(database, bus).relay()
    first, again = await on_the_bus(bus, 2)
    assert first == again


async def _empty(database: Database) -> bool:
    return not await waiting(database)
