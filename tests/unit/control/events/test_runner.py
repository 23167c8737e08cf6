"""The runner: every event takes effect once, in order, and none holds up the others."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from control import event_data
from control.database import Connection, Database, handled_events
from control.events.consumer import Consumer
from control.events.runner import AHEAD_SECONDS, ATTEMPTS, Runner
from control.measures import Measures
from matinee.bus import Event, EventBus
from matinee.errors import Conflict, InvalidInput, Unavailable
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from tests.control_house import TurnedClock
from tests.edge_desk import running
from tests.events import ADA, Outage, Particular, on_the_bus, paused, played
from tests.patience import until

pytestmark = pytest.mark.anyio

BOB = "b" * 26


def event(number: int, message: Message | None = None, **changes: Any) -> Event:
    message = message or played(number)
    topic = "movie-paused" if isinstance(message, MoviePaused) else "movie-played"
    given = {"topic": topic, "key": message.account_id, "data": event_data.encoded(message)}  # type: ignore[attr-defined]
    return Event(**{"event_id": f"{number:026}", "time": 1_000.0 + number, **given, **changes})


class History:
    """A consumer that keeps what it was told in the database, and fails when a test wants that."""

    def __init__(self, database: Database, bus: EventBus, clock: TurnedClock) -> None:
        self.database = database
        self.calls: list[float] = []
        self.woken = 0
        self.fail: Callable[[float], Awaitable[None]] | None = None
        handlers = {MoviePlayed: self._take, MoviePaused: self._take}
        self.registry = CollectorRegistry()
        consumer = Consumer("history", handlers, self._wake)
        self.runner = Runner(consumer, database, bus, clock, Measures(self.registry))

    async def open(self) -> None:
        async with self.database.write() as connection:
            columns = "number INTEGER PRIMARY KEY, account_id TEXT, position REAL"
            await connection.execute(text(f"CREATE TABLE effects ({columns})"))

    async def effects(self) -> list[float]:
        async with self.database.read() as connection:
            return list(await connection.scalars(text("SELECT position FROM effects ORDER BY number")))

    async def has(self, *positions: float) -> bool:
        return await self.effects() == list(positions)

    async def _take(self, connection: Connection, message: MoviePlayed | MoviePaused) -> None:
        self.calls.append(message.position_seconds)
        values = {"account_id": message.account_id, "position": message.position_seconds}
        await connection.execute(
            text("INSERT INTO effects SELECT COUNT(*), :account_id, :position FROM effects"), values
        )
        if self.fail:
            await self.fail(message.position_seconds)

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
async def history(database: Database, bus: EventBus, clock: TurnedClock) -> History:
    made = History(database, bus, clock)
    await made.open()
    return made


async def test_events_take_effect_in_their_order_whatever_their_kind(history: History, bus: EventBus) -> None:
    await bus.publish([event(1), event(2, paused(2)), event(3)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1, 2, 3))
        await until(lambda: history.woken)  # which others see done, the runner may have yet to hear of
        assert history.woken == 1


async def test_an_event_that_comes_again_has_no_second_effect(history: History, bus: EventBus) -> None:
    await bus.publish([event(1), event(1), event(2)])
    await bus.publish([event(2), event(3)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1, 2, 3))
        await bus.rewind("history", ["movie-played"])
        await bus.publish([event(4)])
        await until(lambda: history.has(1, 2, 3, 4))


async def test_a_group_that_shall_do_all_again_forgets_what_it_did(
    history: History, bus: EventBus, database: Database
) -> None:
    await bus.publish([event(1)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1))
        async with database.write() as connection:
            await handled_events.forget_group(connection, "history")
        await bus.rewind("history", ["movie-played"])
        await until(lambda: history.has(1, 1))


async def test_a_poison_event_leaves_no_trace_but_on_the_dead_letter_topic(history: History, bus: EventBus) -> None:
    async def fail(position: float) -> None:
        if position == 2:
            raise Conflict("nobody likes a 2")

    history.fail = fail
    await bus.publish([event(1), event(2), event(3)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1, 3))
        (buried,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert buried.reason == "history: Conflict: nobody likes a 2"
    assert (buried.event_id, buried.key, buried.data) == (f"{2:026}", ADA, event(2).data)
    assert history.calls.count(2) == 1 + ATTEMPTS


async def test_a_poison_event_that_the_dead_letter_topic_refuses_holds_up_nobody(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    particular = Particular(bus, lambda event: event.topic == "movie-played.dead-letter")
    history = History(database, particular, clock)
    await history.open()
    await bus.publish([event(1, data=b"\xff\xff"), event(2)])
    async with running(history.runner.run()):
        await until(lambda: history.has(2))


async def test_an_event_that_cannot_be_read_is_given_up_at_once(history: History, bus: EventBus) -> None:
    await bus.publish([event(1, data=b"\xff\xff"), event(2)])
    async with running(history.runner.run()):
        await until(lambda: history.has(2))
        (buried,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert buried.reason == "history: the data is no MoviePlayed"


async def test_an_event_that_a_handler_calls_invalid_is_given_up_at_once(history: History, bus: EventBus) -> None:
    async def fail(position: float) -> None:
        if position == 1:
            raise InvalidInput("watched_seconds is longer than a year")

    history.fail = fail
    await bus.publish([event(1), event(2)])
    async with running(history.runner.run()):
        await until(lambda: history.has(2))
        (buried,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert buried.reason == "history: watched_seconds is longer than a year"
    assert history.calls.count(1) == 2  # with the others, and alone


async def test_a_dead_letter_is_of_the_time_at_which_it_was_given_up(
    history: History, bus: EventBus, clock: TurnedClock
) -> None:
    began = clock()
    await bus.publish([event(1, data=b"\xff\xff")])
    async with running(history.runner.run()):
        (buried,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert buried.time >= began


async def test_an_event_of_the_year_9999_is_given_up_at_once(
    history: History, bus: EventBus, clock: TurnedClock
) -> None:
    later, soon = played(1), played(2)
    later.time.FromJsonString("9999-12-31T23:59:59Z")
    soon.time.FromSeconds(int(clock()) + AHEAD_SECONDS - 60)
    await bus.publish([event(1, later), event(2, soon)])
    async with running(history.runner.run()):
        await until(lambda: history.has(2))
        (buried,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert buried.reason == "history: it has not happened yet, by its time"


async def test_a_failure_that_passes_is_no_poison(history: History, bus: EventBus) -> None:
    async def fail(position: float) -> None:
        if len(history.calls) < ATTEMPTS:
            raise Conflict("not yet")

    history.fail = fail
    await bus.publish([event(1)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1))


async def test_while_something_is_away_nothing_is_given_up_however_long_it_takes(
    history: History, bus: EventBus
) -> None:
    async def fail(position: float) -> None:
        if len(history.calls) < 4:
            raise Unavailable("the database does not answer")

    history.fail = fail
    await bus.publish([event(1), event(2)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1, 2))
        await bus.publish([event(3, topic="movie-played.dead-letter")])
        (first,) = await on_the_bus(bus, 1, "movie-played.dead-letter")
    assert first.event_id == event(3).event_id


async def test_a_dead_letter_waits_until_the_bus_takes_it(
    database: Database, bus: EventBus, clock: TurnedClock
) -> None:
    outage = Outage(bus)
    history = History(database, outage, clock)
    await history.open()
    await bus.publish([event(1, data=b"\xff\xff"), event(2)])
    outage.away = True
    async with running(history.runner.run()):
        await until(lambda: outage.refused >= 2)
        outage.away = False
        await on_the_bus(bus, 1, "movie-played.dead-letter")
        await until(lambda: history.has(2))


async def test_fields_of_a_later_version_are_no_obstacle(history: History, bus: EventBus) -> None:
    later = event_data.encoded(played(1)).replace(b"{", b'{"of_a_contract_to_come": [1], ', 1)
    await bus.publish([event(1, data=later)])
    async with running(history.runner.run()):
        await until(lambda: history.has(1))


async def test_what_was_handled_long_ago_is_forgotten(database: Database) -> None:
    async with database.write() as connection:
        assert await handled_events.note(connection, "history", ["e1"], 10.0) == {"e1"}
        assert await handled_events.note(connection, "history", ["e1", "e2"], 20.0) == {"e2"}
        assert await handled_events.note(connection, "popularity", ["e1"], 20.0) == {"e1"}
        await handled_events.forget(connection, before=15.0)
        assert await handled_events.note(connection, "history", ["e1", "e2"], 30.0) == {"e1"}


def test_dead_letters_are_counted_from_nought_on(history: History) -> None:
    labels = {"group": "history", "topic": "movie-played"}
    assert history.registry.get_sample_value("matinee_dead_letters_total", labels) == 0
