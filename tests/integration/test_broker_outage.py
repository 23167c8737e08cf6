"""A broker that is away while viewers watch: playback goes on, nothing is lost, control starts and stops as ever.

`MATINEE_TEST_AWAY_SECONDS=65` has it away for as long.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from matinee.bus import Event, EventBus
from matinee.errors import Unavailable
from matinee.kafka_bus import follower, member, publisher
from matinee.kafka_bus.bus import open_kafka_bus
from matinee.settings import EventSettings
from tests.patience import until
from tests.playhouse import Playhouse, opened
from tests.services.kafka import Broker, kafka

AWAY_SECONDS = float(os.environ.get("MATINEE_TEST_AWAY_SECONDS", "0"))
STOP_SECONDS = 5
DRAIN_SECONDS = 30

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300 + AWAY_SECONDS)]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    with kafka(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
async def house(tmp_path: Path, own_broker: Broker) -> AsyncIterator[Playhouse]:
    data = tmp_path / "data"
    data.mkdir()
    async with opened(data, EVENTS__URL=own_broker.url) as house:
        yield house


async def watched(house: Playhouse) -> int:
    """How many seconds into the film the history of the viewer says that it was left."""
    entries = (await house.client.get("/api/v1/history", headers=house.bearer)).json()["entries"]
    return int(entries[0]["position_seconds"]) if entries else 0


async def watch(house: Playhouse, seconds: int) -> None:
    """Play the film for so long; its media must come too."""
    played = await house.client.post(house.play_path, headers=house.bearer)
    signed = str(played.json()["hls"]).removesuffix("main.m3u8")
    assert (await house.client.get(f"{signed}v360.mp4", headers={"range": "bytes=0-99"})).status_code == 206
    session = f"/api/v1/playback/{played.json()['session_id']}"
    for call, position in (("report", 0.0), ("report", seconds), ("stop", seconds)):
        answer = await house.client.post(f"{session}:{call}", json={"position_seconds": position}, headers=house.bearer)
        assert answer.status_code == 200, answer.text


async def test_playback_goes_on_and_what_happened_meanwhile_comes_to_the_history(
    house: Playhouse, own_broker: Broker
) -> None:
    await watch(house, 1)
    await until(lambda: has(house, 1))
    own_broker.kill()
    await asyncio.sleep(AWAY_SECONDS)
    await watch(house, 2)
    await asyncio.to_thread(own_broker.start)
    await until(lambda: has(house, 2), DRAIN_SECONDS)


async def test_publications_that_were_given_up_leave_nothing_behind_that_comes_late(
    own_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_kafka_bus(EventSettings(url=own_broker.url)) as bus:
        await bus.publish([event(1)])
        monkeypatch.setattr(publisher, "PATIENCE_SECONDS", 1.0)
        own_broker.kill()
        given_up = await asyncio.gather(*(bus.publish([event(2)] * 500) for _ in range(3)), return_exceptions=True)
        assert {type(error) for error in given_up} == {Unavailable}
        with pytest.raises(Unavailable):
            await bus.publish([event(2)])
        await asyncio.to_thread(own_broker.start)
        monkeypatch.undo()
        await bus.publish([event(2), event(3)])
        async with bus.subscribe("history", ["movie-played"]) as subscription:
            found: list[Event] = []
            while len(found) < 3:
                found += await subscription.take(10)
    assert found == [event(1), event(2), event(3)]


async def test_how_far_groups_are_behind_is_told_again_when_the_broker_is_back(own_broker: Broker) -> None:
    groups = {"history": ["movie-played"]}
    async with open_kafka_bus(EventSettings(url=own_broker.url)) as bus:
        await bus.publish([event(1), event(2)])
        async with bus.subscribe("history", ["movie-played"]) as subscription:
            await subscription.take(1)
            await subscription.commit()
        left = await bus.lag(groups)
        own_broker.kill()
        with pytest.raises(Unavailable):
            await bus.lag(groups)
        await asyncio.to_thread(own_broker.start)
        found = []

        async def told() -> bool:
            with suppress(Unavailable):
                found.append(await bus.lag(groups))
            return bool(found)

        await until(told)
    assert found == [left]


async def test_whoever_takes_or_follows_is_told_that_the_broker_is_away_and_goes_on_when_it_is_back(
    own_broker: Broker, hasty: None
) -> None:
    async with open_kafka_bus(EventSettings(url=own_broker.url)) as bus:
        await bus.publish([event(1)])
        found: list[Event] = []
        readers = [asyncio.create_task(taken(bus, f"group-{number}", found)) for number in range(4)]
        readers.append(asyncio.create_task(followed(bus, found)))
        await until(lambda: len(found) == len(readers))
        own_broker.kill()
        told = await asyncio.gather(*readers, return_exceptions=True)
        assert {type(error) for error in told} == {Unavailable}


@pytest.mark.parametrize("interruption", [signal.SIGKILL, signal.SIGSTOP])
async def test_who_has_left_a_broker_that_does_not_answer_has_nothing_to_do_with_it_any_more(
    own_broker: Broker, hasty: None, interruption: signal.Signals
) -> None:
    async with open_kafka_bus(EventSettings(url=own_broker.url)) as bus:
        await bus.publish([event(1)])
        before = at_work()
        found: list[Event] = []
        taking = asyncio.create_task(taken(bus, "history", found))
        await until(lambda: found)
        assert at_work() > before
        own_broker.signal(interruption)
        with pytest.raises(Unavailable):
            await taking
        await until(lambda: at_work() <= before)
        own_broker.kill()


def at_work() -> Counter[str]:
    """What consumers of aiokafka do now."""
    names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    return Counter(name for name in names if name.startswith(("AIOKafkaClient.", "Fetcher.", "GroupCoordinator.")))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is away is missed soon."""
    monkeypatch.setattr(member, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(member, "PATIENCE_SECONDS", 5.0)
    monkeypatch.setattr(follower, "LOOK_SECONDS", 0.5)


async def taken(bus: EventBus, group: str, found: list[Event]) -> None:
    """Take events into a list, until the bus is away."""
    async with bus.subscribe(group, ["movie-played"]) as subscription:
        while True:
            events = await subscription.take(10)
            await subscription.commit()
            found += events


async def followed(bus: EventBus, found: list[Event]) -> None:
    """The same without a group."""
    async for one in bus.follow(["movie-played"], since=0.0):
        found += [one]


def event(number: int) -> Event:
    return Event(f"{number:026}", "movie-played", "ada", 1_000.0 + number, b"{}")


async def test_control_stops_in_time_and_starts_without_a_broker(house: Playhouse, own_broker: Broker) -> None:
    own_broker.kill()
    await watch(house, 1)
    asked = time.monotonic()
    assert await house.end("control") == 0
    assert time.monotonic() - asked < STOP_SECONDS
    await house.start("control")
    await until(house.ready)
    await watch(house, 2)
    await asyncio.to_thread(own_broker.start)
    await until(lambda: has(house, 2), DRAIN_SECONDS)


async def has(house: Playhouse, seconds: int) -> bool:
    return await watched(house) == seconds
