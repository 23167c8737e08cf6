"""Clients of aiokafka end with all that goes on in them.

For that our shutdown reaches for what is private to them, and what an upgrade may call otherwise.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic

from matinee.kafka_bus.shutdown import stop_consumer, stop_producer
from tests.patience import until
from tests.services.kafka import Broker, administrator

pytestmark = pytest.mark.anyio

TOPIC = "shutdown"
UPGRADE = "this aiokafka is not what matinee/kafka_bus/shutdown.py was written for"

Make = Callable[[], AIOKafkaConsumer]


@pytest.fixture
async def topic(broker: Broker, anyio_backend: str) -> str:
    async with administrator(broker) as admin:
        if TOPIC not in await admin.list_topics():
            await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    return TOPIC


@pytest.fixture(params=["shutdown", None], ids=["member", "without-a-group"])
def make(request: pytest.FixtureRequest, broker: Broker, topic: str) -> Make:
    """Makes a consumer."""
    return partial(AIOKafkaConsumer, topic, bootstrap_servers=broker.address, group_id=request.param)


async def broken(*_: object) -> None:
    """What aiokafka does not expect of itself."""
    raise KeyError("broken")


@asynccontextmanager
async def nothing_goes_on_afterwards() -> AsyncIterator[None]:
    """Of what is begun inside."""
    before = asyncio.all_tasks()
    yield

    def left() -> list[str]:
        return [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks() - before]

    try:
        await until(lambda: not left(), seconds=10)
    except TimeoutError:
        pytest.fail(f"{UPGRADE}: there go on {left()}")


@pytest.mark.parametrize(
    ("made", "names"),
    [(AIOKafkaConsumer, {"_coordinator", "_fetcher", "_client"}), (AIOKafkaProducer, {"_sender", "_closed", "client"})],
)
async def test_what_our_shutdown_reaches_for_is_called_so(made: Callable[[], Any], names: set[str]) -> None:
    client = made()
    await client.stop()
    missing = names - vars(client).keys() - vars(type(client)).keys()
    assert not missing, UPGRADE


async def test_nothing_goes_on_of_a_consumer_whose_own_stop_is_broken(make: Make) -> None:
    async with nothing_goes_on_afterwards():
        consumer = make()
        await consumer.start()
        await consumer.getmany(timeout_ms=100)
        consumer._coordinator.close = broken
        await stop_consumer(consumer)


async def test_nothing_goes_on_of_a_consumer_that_looks_for_brokers_no_more(make: Make) -> None:
    async with nothing_goes_on_afterwards():
        consumer = make()
        await consumer.start()
        consumer._client._metadata_update = broken
        consumer._client.force_metadata_update()
        await until(consumer._client._sync_task.done)
        await stop_consumer(consumer)


async def test_nothing_goes_on_of_a_producer_and_it_does_not_complain(broker: Broker, topic: str) -> None:
    async with nothing_goes_on_afterwards():
        producer = AIOKafkaProducer(bootstrap_servers=broker.address)
        await producer.start()
        await producer.send(topic, b"not sent yet")
        await stop_producer(producer)
