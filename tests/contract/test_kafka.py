"""What the event bus does on Kafka alone."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from control.identifiers import new_id
from matinee.bus import Event, EventBus
from matinee.cloud_events import headers_of
from matinee.errors import InvalidInput, Unavailable
from matinee.instance import free_port
from matinee.kafka_bus.bus import KafkaBus, open_kafka_bus
from matinee.settings import EventSettings
from tests.services.kafka import PASSWORD, USER, Broker

pytestmark = pytest.mark.anyio

TOPIC = "movie-played"


def event(number: int, *, size: int = 10, key: str = "ada") -> Event:
    return Event(f"{number:026}", TOPIC, key, 1_700_000_000.0 + number, bytes(size))


@pytest.fixture
def prefix() -> str:
    return f"{new_id(time.time)}."


@pytest.fixture
async def bus(broker: Broker, prefix: str, anyio_backend: str) -> AsyncIterator[KafkaBus]:
    async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix)) as bus:
        yield bus


@asynccontextmanager
async def administrator(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def partitions(broker: Broker, name: str) -> int:
    async with administrator(broker) as admin:
        [described] = await admin.describe_topics([name])
    return len(described["partitions"])


async def configuration(broker: Broker, name: str) -> Mapping[str, str]:
    async with administrator(broker) as admin:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    [(_, _, _, _, entries)] = answer.resources
    return {entry[0]: entry[1] for entry in entries}


async def first(bus: EventBus) -> list[Event]:
    async with bus.subscribe("history", [TOPIC]) as subscription:
        return list(await subscription.take(1))


async def test_a_record_is_a_cloud_event_in_binary_mode(broker: Broker, bus: KafkaBus, prefix: str) -> None:
    await bus.publish([event(1)])
    consumer = AIOKafkaConsumer(prefix + TOPIC, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    async with consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"ada", bytes(10))
    assert dict(record.headers) == headers_of(event(1))
    assert record.timestamp == event(1).time * 1_000


async def test_a_topic_is_made_as_the_settings_say(broker: Broker, prefix: str) -> None:
    settings = EventSettings(url=broker.url, prefix=prefix, partitions=3, retention_days=2, max_bytes=12 * 1024**2)
    async with open_kafka_bus(settings) as bus:
        await bus.publish([event(1)])
    assert await partitions(broker, prefix + TOPIC) == 3
    found = await configuration(broker, prefix + TOPIC)
    assert found["retention.ms"] == str(2 * 86_400_000)
    assert (found["retention.bytes"], found["segment.bytes"]) == (str(4 * 1024**2), str(1024**2))


async def test_a_topic_gets_more_partitions_but_never_fewer(broker: Broker, prefix: str) -> None:
    for wanted, there in ((2, 2), (4, 4), (3, 4)):
        async with open_kafka_bus(EventSettings(url=broker.url, prefix=prefix, partitions=wanted)) as bus:
            await bus.publish([event(1)])
        assert await partitions(broker, prefix + TOPIC) == there


async def test_a_record_of_somebody_else_is_passed_over(broker: Broker, bus: KafkaBus, prefix: str) -> None:
    await bus.publish([event(1, key="")])
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:
        for foreign in ({"value": b"no event"}, {"key": b"k"}, {"value": b"", "headers": [("ce_id", None)]}):
            await producer.send_and_wait(prefix + TOPIC, **foreign)
    await bus.publish([event(2, key="")])
    async with bus.subscribe("history", [TOPIC]) as subscription:
        found: list[Event] = []
        while len(found) < 2:
            found += await subscription.take(10)
    assert found == [event(1, key=""), event(2, key="")]


async def test_an_event_of_a_clock_that_is_ahead_is_taken(bus: KafkaBus) -> None:
    ahead = replace(event(1), time=4_000_000_000.0)
    await bus.publish([ahead])
    assert await first(bus) == [ahead]


async def test_events_larger_than_a_batch_are_kept(bus: KafkaBus) -> None:
    large = [event(number, size=400_000) for number in range(5)]
    await bus.publish(large)
    async with bus.subscribe("history", [TOPIC]) as subscription:
        found: list[Event] = []
        while len(found) < 5:
            found += await subscription.take(10)
    assert found == large


async def test_an_event_that_the_broker_does_not_take_is_refused_and_the_next_one_goes(bus: KafkaBus) -> None:
    with pytest.raises(Unavailable):
        await bus.publish([event(1, size=3 * 1024**2)])
    await bus.publish([event(2)])
    assert await first(bus) == [event(2)]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_events_travel_over_tls_by_whoever_proves_who_they_are(
    broker: Broker, prefix: str, mechanism: Any
) -> None:
    async with open_kafka_bus(secure(broker, prefix, sasl_mechanism=mechanism)) as bus:
        await bus.publish([event(1)])
        assert await first(bus) == [event(1)]


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"ca_file": ""}])
async def test_who_does_not_is_told_so(broker: Broker, prefix: str, wrong: dict[str, str]) -> None:
    async with open_kafka_bus(secure(broker, prefix, **wrong)) as bus:
        with pytest.raises(Unavailable):
            await bus.publish([event(1)])


def secure(broker: Broker, prefix: str, **changes: Any) -> EventSettings:
    access = {"username": USER, "password": PASSWORD, "ca_file": str(broker.certificate)}
    return EventSettings(url=broker.secure_url, prefix=prefix, **(access | changes))


async def test_certificates_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="certificates"):
        async with open_kafka_bus(EventSettings(url="kafka+ssl://127.0.0.1:9", ca_file=str(tmp_path / "none.pem"))):
            pass


async def test_without_a_broker_everything_is_unavailable() -> None:
    async with open_kafka_bus(EventSettings(url=f"kafka://127.0.0.1:{free_port('127.0.0.1')}")) as bus:
        with pytest.raises(Unavailable, match="Kafka is not available"):
            await bus.publish([event(1)])
        with pytest.raises(Unavailable):
            await first(bus)
        with pytest.raises(Unavailable):
            await anext(aiter(bus.follow([TOPIC])))
        with pytest.raises(Unavailable):
            await bus.lag("history", [TOPIC])
        with pytest.raises(Unavailable):
            await bus.rewind("history", [TOPIC])
