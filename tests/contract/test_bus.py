"""What every event bus does; run over each implementation."""

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path

import pytest
import structlog

from control.identifiers import new_id
from matinee.bus import Event, EventBus, Subscription
from matinee.errors import InvalidInput, Unavailable
from matinee.event_log import EventLog, open_event_log
from matinee.kafka_bus.bus import open_kafka_bus
from matinee.settings import EventSettings
from tests.patience import until
from tests.services.kafka import Broker

pytestmark = pytest.mark.anyio

Open = Callable[[], AbstractAsyncContextManager[EventBus]]
TOPICS = ("movie-played", "movie-paused")
DAY = 86_400.0
MIB = 1024**2


def event(number: int, topic: str = "movie-played", key: str = "ada") -> Event:
    return Event(f"{number:026}", topic, key, 1_000.0 + number, f"data {number}".encode())


def numbers(events: list[Event]) -> list[int]:
    return [int(one.event_id) for one in events]


async def taken(subscription: Subscription, count: int, most: int = 100) -> list[int]:
    """The numbers of the next `count` events."""
    found: list[Event] = []
    while len(found) < count:
        found += await subscription.take(most)
    return numbers(found)


async def followed(bus: EventBus, count: int, *topics: str, since: float | None = 0.0) -> list[int]:
    """The numbers of the first `count` events that a follower sees."""
    found: list[Event] = []
    async with aclosing(bus.follow(topics, since=since)) as events:  # type: ignore[type-var]
        async for one in events:
            found.append(one)
            if len(found) == count:
                break
    return numbers(found)


async def first_of(bus: EventBus) -> list[int]:
    """What a member of the group sees first."""
    async with bus.subscribe("history", TOPICS) as subscription:
        return await taken(subscription, 1, most=1)


async def stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture(params=["embedded", "kafka"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the bus; whoever opens it again finds what was there."""
    if request.param == "embedded":
        return lambda: embedded(tmp_path / "events.db")
    broker: Broker = request.getfixturevalue("broker")
    settings = EventSettings(url=broker.url, prefix=f"{new_id(time.time)}.")
    return lambda: open_kafka_bus(settings)


@asynccontextmanager
async def embedded(
    path: Path, clock: Callable[[], float] = lambda: 5_000.0, *, most_bytes: int = 100 * MIB
) -> AsyncIterator[EventLog]:
    async with open_event_log(path, clock, retention_seconds=DAY, most_bytes=most_bytes) as event_log:
        yield event_log


@pytest.fixture
async def bus(opened: Open, anyio_backend: str) -> AsyncIterator[EventBus]:
    async with opened() as bus:
        yield bus


async def test_an_event_comes_out_as_it_went_in(bus: EventBus) -> None:
    odd = Event("e" * 26, "movie-played.dead-letter", "Ädä \N{CLAPPER BOARD}", 1_234.5, bytes(range(256)), "why\nso")
    await bus.publish([odd])
    async with bus.subscribe("history", [odd.topic]) as subscription:
        assert await subscription.take(1) == [odd]


async def test_a_new_group_begins_with_the_oldest_event_and_keeps_the_order(bus: EventBus) -> None:
    await bus.publish([event(1), event(2)])
    await bus.publish([event(3)])
    async with bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, 3) == [1, 2, 3]


async def test_no_more_is_taken_than_was_asked_for(bus: EventBus) -> None:
    await bus.publish([event(number) for number in range(5)])
    async with bus.subscribe("history", TOPICS) as subscription:
        assert [len(await subscription.take(2)) for _ in range(3)] == [2, 2, 1]


async def test_events_of_one_topic_and_key_keep_their_order_with_a_backlog(bus: EventBus) -> None:
    keys = [f"account {number % 3}" for number in range(60)]
    await bus.publish([event(number, TOPICS[number % 2], key) for number, key in enumerate(keys)])
    async with bus.subscribe("history", TOPICS) as subscription:
        found = await taken(subscription, 60, most=7)
    assert sorted(found) == list(range(60))
    for lane in range(6):
        assert [number for number in found if number % 6 == lane] == list(range(lane, 60, 6))


async def test_a_group_sees_its_topics_alone(bus: EventBus) -> None:
    await bus.publish([event(1), event(2, "playback-metrics"), event(3)])
    async with bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, 2) == [1, 3]


async def test_who_takes_waits_for_the_first_event_and_is_woken(bus: EventBus) -> None:
    async with bus.subscribe("history", TOPICS) as subscription:
        taking = asyncio.create_task(taken(subscription, 1))
        await asyncio.sleep(0)
        assert not taking.done()
        await bus.publish([event(1)])
        assert await taking == [1]


async def test_what_was_committed_is_not_seen_again_and_what_was_not_is(opened: Open) -> None:
    async with opened() as bus:
        await bus.publish([event(1), event(2)])
        async with bus.subscribe("history", TOPICS) as subscription:
            await taken(subscription, 1, most=1)
            await subscription.commit()
            await taken(subscription, 1)
    async with opened() as bus, bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, 1) == [2]


async def test_each_group_has_its_own_place(bus: EventBus) -> None:
    await bus.publish([event(1)])
    async with bus.subscribe("history", TOPICS) as first, bus.subscribe("resume-points", TOPICS) as second:
        assert await taken(first, 1) == await taken(second, 1) == [1]


async def test_a_topic_that_a_group_reads_for_the_first_time_begins_with_its_oldest(bus: EventBus) -> None:
    await bus.publish([event(1, TOPICS[0]), event(2, TOPICS[1])])
    async with bus.subscribe("history", TOPICS[:1]) as subscription:
        await taken(subscription, 1)
        await subscription.commit()
    async with bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, 1) == [2]


async def test_members_of_a_group_share_its_work_each_event_done_once_and_those_of_a_key_in_order(opened: Open) -> None:
    done: list[Event] = []

    async def work(bus: EventBus) -> None:
        async with bus.subscribe("history", TOPICS) as subscription:
            while True:
                found = await subscription.take(3)
                await subscription.commit()
                done.extend(found)  # who is stopped when all are done has none that would be taken again

    async with opened() as one, opened() as other:
        first, second = (asyncio.create_task(work(bus)) for bus in (one, other))
        for start in range(0, 120, 20):
            await one.publish([event(number, key=f"account {number % 7}") for number in range(start, start + 20)])
            await until(lambda count=start + 20: len(done) >= count)  # type: ignore[misc]
            if start == 60:
                await stopped(first)
        await stopped(second)
    assert sorted(numbers(done)) == list(range(120))
    for key in {one.key for one in done}:
        of_key = [int(one.event_id) for one in done if one.key == key]
        assert of_key == sorted(of_key)


async def test_a_member_that_comes_waits_for_what_another_has_begun(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await one.publish([event(1), event(2)])
        async with one.subscribe("history", TOPICS) as subscription:
            assert await taken(subscription, 1, most=1) == [1]
            coming = asyncio.create_task(first_of(other))
            await asyncio.sleep(0)
            await subscription.commit()
        assert await coming == [2]


async def test_another_process_on_the_same_bus_is_heard(opened: Open) -> None:
    async with opened() as here, opened() as there, here.subscribe("history", TOPICS) as subscription:
        taking = asyncio.create_task(taken(subscription, 1))
        await there.publish([event(1)])
        assert await taking == [1]


async def test_publishing_of_many_at_the_same_time_loses_nothing(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await asyncio.gather(*((one, other)[number % 2].publish([event(number)]) for number in range(40)))
        async with one.subscribe("history", TOPICS) as subscription:
            assert sorted(await taken(subscription, 40)) == list(range(40))


async def test_who_follows_sees_what_comes_from_now_on(bus: EventBus) -> None:
    await bus.publish([event(1)])
    following = asyncio.create_task(followed(bus, 1, "movie-paused", since=None))

    async def told() -> bool:
        await bus.publish([event(2), event(3, "movie-paused")])
        return following.done()

    await until(told)
    assert await following == [3]


async def test_who_follows_from_a_time_sees_what_was_then_and_what_comes(bus: EventBus) -> None:
    await bus.publish([event(1), event(2), event(3, "movie-paused")])
    assert sorted(await followed(bus, 2, since=1_002.0)) == [2, 3]
    assert await followed(bus, 1, "movie-paused", since=1_002.0) == [3]
    following = asyncio.create_task(followed(bus, 1, since=9_000.0))

    async def told() -> bool:
        await bus.publish([event(4)])
        return following.done()

    await until(told)
    assert await following == [4]


async def test_who_follows_from_the_beginning_sees_every_topic_unless_told_which(bus: EventBus) -> None:
    await bus.publish([event(1), event(2, "movie-paused"), event(3, "movie-played.dead-letter")])
    assert sorted(await followed(bus, 3)) == [1, 2, 3]
    assert sorted(await followed(bus, 2, "movie-paused", "movie-played.dead-letter")) == [2, 3]


async def test_who_follows_every_topic_sees_those_that_come_later(bus: EventBus) -> None:
    await bus.publish([event(1)])
    following = asyncio.create_task(followed(bus, 2))
    await bus.publish([event(2, "movie-paused")])
    assert sorted(await following) == [1, 2]


@pytest.mark.parametrize(("since", "again"), [(0.0, [1, 2, 3]), (1_002.0, [2, 3])])
async def test_a_group_can_be_set_back(bus: EventBus, since: float, again: list[int]) -> None:
    await bus.publish([event(1), event(2), event(3)])
    async with bus.subscribe("history", TOPICS) as subscription:
        await taken(subscription, 3)
        await subscription.commit()
    await bus.rewind("history", TOPICS, since)
    async with bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, len(again)) == again


async def test_a_group_at_work_that_is_set_back_begins_anew_even_if_it_commits_after(bus: EventBus) -> None:
    await bus.publish([event(1), event(2)])
    async with bus.subscribe("history", TOPICS) as subscription:
        await taken(subscription, 1, most=1)
        await subscription.commit()
        await taken(subscription, 1)
        await bus.rewind("history", TOPICS)
        await subscription.commit()
        assert await taken(subscription, 2) == [1, 2]


async def test_a_group_that_waits_hears_that_it_is_set_back(bus: EventBus) -> None:
    await bus.publish([event(1)])
    async with bus.subscribe("history", TOPICS) as subscription:
        await taken(subscription, 1)
        await subscription.commit()
        again = asyncio.create_task(taken(subscription, 1))
        await bus.rewind("history", TOPICS)
        assert await again == [1]


async def test_a_group_is_set_back_in_the_topics_that_are_named(bus: EventBus) -> None:
    await bus.publish([event(1, TOPICS[0]), event(2, TOPICS[1])])
    async with bus.subscribe("history", TOPICS) as subscription:
        await taken(subscription, 2)
        await subscription.commit()
    await bus.rewind("history", TOPICS[1:])
    await bus.publish([event(3, TOPICS[0])])
    async with bus.subscribe("history", TOPICS) as subscription:
        assert sorted(await taken(subscription, 2)) == [2, 3]


async def test_a_group_set_to_a_time_that_has_not_come_waits_for_it(bus: EventBus) -> None:
    await bus.publish([event(1)])
    await bus.rewind("history", TOPICS, since=9_000.0)
    await bus.publish([event(2)])
    async with bus.subscribe("history", TOPICS) as subscription:
        assert await taken(subscription, 1) == [2]


async def test_how_far_a_group_is_behind_is_told_for_each_topic(bus: EventBus) -> None:
    await bus.publish([event(1), event(2), event(3), event(4, "movie-paused")])
    groups = {"history": TOPICS, "resume-points": TOPICS[1:]}
    assert await bus.lag(groups) == {
        "history": {"movie-played": 3, "movie-paused": 1},
        "resume-points": {"movie-paused": 1},
    }
    async with bus.subscribe("history", TOPICS[:1]) as subscription:
        await taken(subscription, 2, most=2)
        await subscription.commit()
    assert await bus.lag(groups) == {
        "history": {"movie-played": 1, "movie-paused": 1},
        "resume-points": {"movie-paused": 1},
    }


async def test_nobody_is_behind_on_a_topic_that_nobody_has_written(bus: EventBus) -> None:
    assert await bus.lag({"history": TOPICS}) == {"history": {"movie-played": 0, "movie-paused": 0}}


async def test_the_embedded_log_keeps_the_order_of_a_key_over_topics_too(tmp_path: Path) -> None:
    async with embedded(tmp_path / "events.db") as event_log:
        await event_log.publish([event(number, TOPICS[number % 2]) for number in range(10)])
        async with event_log.subscribe("history", TOPICS) as subscription:
            assert await taken(subscription, 10, most=3) == list(range(10))


async def test_what_is_too_old_goes_even_if_nobody_has_read_it(tmp_path: Path) -> None:
    now = [0.0]
    async with embedded(tmp_path / "events.db", lambda: now[0]) as event_log:
        for day in range(3):
            now[0] = day * DAY
            await event_log.publish([event(day)])
        await event_log.trim()
        assert await followed(event_log, 2) == [1, 2]
        async with event_log.subscribe("history", TOPICS) as subscription:
            assert await taken(subscription, 2) == [1, 2]


async def test_what_went_before_a_group_took_it_is_told_and_counted(tmp_path: Path) -> None:
    now = [0.0]
    async with embedded(tmp_path / "events.db", lambda: now[0]) as event_log:
        await event_log.publish([event(number) for number in range(4)])
        async with event_log.subscribe("history", TOPICS) as subscription:
            await taken(subscription, 1, most=1)
            await subscription.commit()
            now[0] = 2 * DAY
            await event_log.publish([event(4)])
            with structlog.testing.capture_logs() as told:
                await event_log.trim()
            assert await taken(subscription, 1) == [4]
    [line] = told
    wanted = {"group": "history", "topic": "movie-played", "first": 2, "last": 4, "events": 3}
    assert wanted.items() <= line.items()
    assert event_log.gaps.events("history", "movie-played") == 3
    assert event_log.gaps.events("history", "movie-paused") == 0


async def test_the_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    async with embedded(tmp_path / "events.db", most_bytes=MIB) as event_log:
        large = [Event(f"{number:026}", "movie-played", "ada", 1.0, bytes(2_000)) for number in range(3_000)]
        await event_log.publish(large)
        await event_log.trim()
        async with aclosing(event_log.follow(since=0.0)) as events:  # type: ignore[type-var]
            first = int((await anext(events)).event_id)
        assert 2_700 <= first < 2_900


async def test_positions_are_never_used_again(tmp_path: Path) -> None:
    now = [0.0]
    async with embedded(tmp_path / "events.db", lambda: now[0]) as event_log:
        await event_log.publish([event(1)])
        async with event_log.subscribe("history", TOPICS) as subscription:
            await taken(subscription, 1)
            await subscription.commit()
        now[0] = 2 * DAY
        await event_log.trim()
        await event_log.publish([event(2)])
        async with event_log.subscribe("history", TOPICS) as subscription:
            assert await taken(subscription, 1) == [2]


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    async with embedded(tmp_path / "new" / "events.db"):
        assert stat.S_IMODE((tmp_path / "new" / "events.db").stat().st_mode) == 0o600


async def test_many_may_open_a_new_file_at_the_same_time(tmp_path: Path) -> None:
    async def use(number: int) -> None:
        async with embedded(tmp_path / "events.db") as event_log:
            await event_log.publish([event(number)])

    await asyncio.gather(*map(use, range(8)))
    async with embedded(tmp_path / "events.db") as event_log:
        assert sorted(await followed(event_log, 8)) == list(range(8))


async def test_a_file_that_cannot_be_made_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="cannot be made"):
        async with embedded(Path("/proc/matinee/events.db")):
            pass


async def test_a_file_that_is_no_log_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"no log at all" * 1000)
    with pytest.raises(Unavailable):
        async with embedded(tmp_path / "events.db"):
            pass


@pytest.mark.parametrize("group", ["", "../up", "a b", "x" * 65])
async def test_a_group_whose_name_is_no_file_name_is_refused(tmp_path: Path, group: str) -> None:
    async with embedded(tmp_path / "events.db") as event_log:
        with pytest.raises(InvalidInput):
            async with event_log.subscribe(group, TOPICS):
                pass


async def test_a_publication_that_is_cancelled_is_whole_or_absent_and_blocks_nobody(tmp_path: Path) -> None:
    async with embedded(tmp_path / "events.db") as event_log:
        for number in range(20):
            publishing = asyncio.create_task(event_log.publish([event(2 * number), event(2 * number + 1)]))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            publishing.cancel()
            await asyncio.wait([publishing])
        await event_log.publish([event(1_000)])
        found = await _until_event(event_log, 1_000)
        assert [number for number in found if number % 2 == 0] == [number - 1 for number in found if number % 2]


async def _until_event(event_log: EventLog, last: int) -> list[int]:
    found: list[int] = []
    async with aclosing(event_log.follow(since=0.0)) as events:  # type: ignore[type-var]
        async for one in events:
            if int(one.event_id) == last:
                return found
            found.append(int(one.event_id))
    raise AssertionError
