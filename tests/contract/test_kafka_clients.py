"""What goes on inside a client of aiokafka may end by an error of its own: nobody waits for it for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from matinee.bus import Event, Subscription
from matinee.errors import Unavailable
from matinee.kafka_bus import follower, member, progress, publisher, topics
from matinee.kafka_bus.bus import KafkaBus, open_kafka_bus
from matinee.kafka_bus.progress import Progress
from matinee.settings import EventSettings
from tests.patience import until
from tests.services.kafka import Broker, administrator

pytestmark = pytest.mark.anyio

TOPIC = "movie-played"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come is missed soon."""
    monkeypatch.setattr(member, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(member, "METADATA_SECONDS", 0.3)
    monkeypatch.setattr(follower, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(progress, "ANSWER_SECONDS", 5.0)
    monkeypatch.setattr(topics, "DOUBT_SECONDS", 0.3)


@pytest.fixture
async def bus(broker: Broker, request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[KafkaBus]:
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=f"{abs(hash(request.node.name))}.")) as bus:
        yield bus


def event(number: int) -> Event:
    return Event(f"{number:026}", TOPIC, "ada", 1_000.0 + number, b"{}")


def break_off(part: Any, method: str) -> None:
    """Let what a task of aiokafka calls raise what that does not expect."""

    async def fail(*_: object, **__: object) -> None:
        raise KeyError(method)

    setattr(part, method, fail)


async def every(subscription: Subscription) -> None:
    """Take whatever comes."""
    while True:
        await subscription.take(1)
        await subscription.commit()


async def every_event(events: AsyncIterator[Event]) -> None:
    """The same for who follows."""
    async for _ in events:
        pass


@pytest.mark.parametrize(("part", "method"), [("_fetcher", "_proc_fetch_request"), ("_client", "_metadata_update")])
async def test_a_member_for_whom_nothing_is_fetched_any_more_is_told_so_and_the_next_one_goes_on(
    bus: KafkaBus, part: str, method: str
) -> None:
    await bus.publish([event(1)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        assert await subscription.take(1) == [event(1)]
        await subscription.commit()
        break_off(getattr(subscription._consumer, part), method)  # type: ignore[attr-defined]
        await bus.publish([event(2), event(3)])
        with pytest.raises(Unavailable):
            await every(subscription)
    await bus.publish([event(4)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        while event(4) not in await subscription.take(1):
            await subscription.commit()


async def test_who_follows_is_told_so_too(bus: KafkaBus, monkeypatch: pytest.MonkeyPatch) -> None:
    consumers = []

    def made(**settings: Any) -> AIOKafkaConsumer:
        consumers.append(AIOKafkaConsumer(**settings))
        return consumers[-1]

    monkeypatch.setattr(follower, "AIOKafkaConsumer", made)
    await bus.publish([event(1)])
    async with aclosing(bus.follow([TOPIC], since=0.0)) as events:  # type: ignore[type-var]
        assert await anext(events) == event(1)
        break_off(consumers[0]._fetcher, "_proc_fetch_request")
        await bus.publish([event(2), event(3)])
        with pytest.raises(Unavailable, match="none come"):
            await every_event(events)


async def test_a_member_that_has_all_there_is_waits_on(bus: KafkaBus) -> None:
    await bus.publish([event(1)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        await subscription.take(1)
        taking = asyncio.create_task(subscription.take(1))
        done, _ = await asyncio.wait([taking], timeout=1.5)
        assert not done
        await bus.publish([event(2)])
        assert await taking == [event(2)]


async def test_a_publication_that_nobody_sends_is_given_up_and_the_next_one_goes(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.publish([event(1)])
    bus._publisher._producer._client._sender.sender_task.cancel()
    with monkeypatch.context() as patch:
        patch.setattr(publisher, "PATIENCE_SECONDS", 1.0)
        with pytest.raises(Unavailable):
            await bus.publish([event(2)])
    await bus.publish([event(2)])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        found: list[Event] = []
        while len(found) < 2:
            found += await subscription.take(10)
    assert found == [event(1), event(2)]


async def is_gone(topic: str, admin: AIOKafkaAdminClient) -> bool:
    return topic not in await admin.list_topics()


def remove_before(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, topic: str, part: Any, function: str
) -> asyncio.Event:
    """Have a topic removed just before a function is called for the first time; the event says that it was."""
    called, removed = getattr(part, function), asyncio.Event()

    async def call(*arguments: Any) -> Any:
        if not removed.is_set():
            async with administrator(broker) as admin:
                await admin.delete_topics([topic])
                await until(lambda: is_gone(topic, admin))
            removed.set()
        return await called(*arguments)

    monkeypatch.setattr(part, function, call)
    return removed


async def test_who_begins_to_follow_begins_with_the_others_when_a_topic_is_removed_that_it_has_just_seen(
    bus: KafkaBus, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = event(2)._replace(topic="movie-paused")
    await bus.publish([event(1), other])
    remove_before(monkeypatch, broker, bus._topics.name(TOPIC), follower, "positions")
    async with aclosing(bus.follow(since=0.0)) as events:  # type: ignore[type-var]
        assert await anext(events) == other


async def test_who_follows_goes_on_when_a_topic_is_removed_while_it_is_asked_what_is_missing(
    bus: KafkaBus, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = event(2)._replace(topic="movie-paused")
    await bus.publish([event(1), other])
    async with aclosing(bus.follow(since=0.0)) as events:  # type: ignore[type-var]
        assert {await anext(events), await anext(events)} == {event(1), other}
        removed = remove_before(monkeypatch, broker, bus._topics.name(TOPIC), Progress, "check")
        coming = asyncio.ensure_future(anext(events))
        await removed.wait()
        await bus.publish([other])
        assert await coming == other


async def test_who_follows_goes_on_with_the_others_when_a_topic_is_removed(bus: KafkaBus, broker: Broker) -> None:
    other = event(2)._replace(topic="movie-paused")
    await bus.publish([event(1), other])
    async with aclosing(bus.follow(since=0.0)) as events:  # type: ignore[type-var]
        assert {await anext(events), await anext(events)} == {event(1), other}
        coming = asyncio.ensure_future(anext(events))
        async with administrator(broker) as admin:
            await admin.delete_topics([bus._topics.name(TOPIC)])
        await bus.publish([other])
        assert await coming == other
