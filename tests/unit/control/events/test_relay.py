"""The relay: what is committed reaches the bus, in order and soon, and what is not never does."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

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
from tests.events import ADA, Outage, Particular, on_the_bus, paused, played, record, waiting
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
            async with within(5):
                await record(database, clock, played(number))
                await on_the_bus(bus, number + 1)


async def test_a_running_relay_hears_soon_of_what_another_process_records(
    database: Database, bus: EventBus, clock: TurnedClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.database.news.LOOK_SECONDS", 60)
    other = await open_database(database_url)
    async with running(Relay(database, bus).run()), AsyncExitStack() as controls:
        for each in (database, other):  # on PostgreSQL who has written tells those who hear of it
            await controls.enter_async_context(running(each.hear_others(lambda: None)))
        for number in range(5):
            async with within(5):
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


def of(*refused: float) -> Callable[[Event], bool]:
    """Whether an event tells of one of these positions."""
    return lambda event: positions([event])[0] in refused


async def test_an_event_that_the_bus_refuses_holds_up_nobody_and_is_kept_with_the_reason(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    particular = Particular(bus, of(2))
    await record(database, clock, *map(played, (1, 2, 3)))
    async with running(Relay(database, particular).run()):
        assert positions(await on_the_bus(bus, 2)) == [1, 3]
        await record(database, clock, played(4))
        assert positions(await on_the_bus(bus, 3)) == [1, 3, 4]
        await until(lambda: _empty(database))
    assert particular.attempts == 2
    async with database.read() as connection:
        assert await outbox.refused(connection) == {"movie-played": (1, "too large")}
        assert await outbox.waiting(connection) == (0, None)


async def test_what_was_refused_is_offered_again_when_control_starts(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    await record(database, clock, played(1))
    await Relay(database, Particular(bus, of(1))).relay()
    async with running(Relay(database, bus).run()):
        assert positions(await on_the_bus(bus, 1)) == [1]


async def test_what_was_refused_goes_with_the_retention(database: Database, bus: EventBus, clock: TurnedClock) -> None:
    await record(database, clock, played(1), played(2))
    await Relay(database, Particular(bus, of(1, 2))).relay()
    async with database.write() as connection:
        await outbox.forget_refused(connection, clock() + 1)
        assert await outbox.refused(connection) == {}


async def test_a_topic_of_which_the_bus_takes_nothing_waits_in_its_order_and_the_others_go_on(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    particular = Particular(bus, closed="movie-paused")
    await record(database, clock, *map(paused, range(BATCH)), played(1))
    async with running(Relay(database, particular).run()):
        assert positions(await on_the_bus(bus, 1)) == [1]
        await record(database, clock, played(2), paused(BATCH))
        assert positions(await on_the_bus(bus, 2)) == [1, 2]
        particular.closed = ""
        assert positions(await on_the_bus(bus, BATCH + 1, "movie-paused")) == list(range(BATCH + 1))


async def test_others_do_not_wait_until_a_topic_of_which_nothing_is_taken_is_tried_again(
    database: Database, bus: EventBus, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.events.backoff.FIRST_SECONDS", 600)
    particular = Particular(bus, closed="movie-paused")
    await record(database, clock, paused(0))
    async with running(Relay(database, particular).run()):
        await until(lambda: particular.attempts == 1)
        await record(database, clock, played(1))
        async with asyncio.timeout(10):
            assert positions(await on_the_bus(bus, 1)) == [1]


class Busy(Particular):
    """A bus during whose every publication somebody records an event."""

    def __init__(self, bus: EventBus, database: Database, clock: TurnedClock) -> None:
        super().__init__(bus, closed="movie-paused")
        self._database = database
        self._clock = clock

    async def publish(self, events: Sequence[Event]) -> None:
        await record(self._database, self._clock, played(self.attempts))
        await super().publish(events)


async def test_a_topic_of_which_nothing_was_taken_is_tried_again_however_much_the_others_have_to_send(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    busy = Busy(bus, database, clock)
    await record(database, clock, paused(0))
    async with running(Relay(database, busy).run()):
        await until(lambda: busy.attempts >= 2)
        busy.closed = ""
        async with asyncio.timeout(10):
            assert positions(await on_the_bus(bus, 1, "movie-paused")) == [0]


async def test_what_the_bus_has_is_not_sent_again_though_others_failed(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    await record(database, clock, played(1), paused(2))
    particular = Particular(bus, closed="movie-paused")
    relay = Relay(database, particular)
    assert await relay.relay() == 1
    assert positions(await waiting(database)) == [2]


async def _empty(database: Database) -> bool:
    return not await waiting(database)
