"""Puts events onto Kafka: idempotent, acknowledged by all copies, all events of one key in one partition.

A producer sends what it has taken until the broker has it, once, however often the connection breaks. One that fails
all the same, or takes too long, is given up with all that it still holds, so that nothing comes late and out of order;
the next publication starts another one.

A broker refuses a whole batch, and does not say for which of its events: they are sent again one by one. Within a
partition nothing is sent after a failure, so that what is sent again does not come behind what it was before.
"""

import asyncio
from collections import defaultdict
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from matinee.bus import Event, Undelivered
from matinee.cloud_events import headers_of
from matinee.errors import Unavailable
from matinee.kafka_bus.client import KeptClient
from matinee.kafka_bus.cluster import translated
from matinee.kafka_bus.delivery import CLOSED, REFUSALS, Delivery
from matinee.kafka_bus.shutdown import stop_producer
from matinee.kafka_bus.topics import Topics

PATIENCE_SECONDS = 60.0
"""How long a publication waits for a broker that is away: longer than one takes to start again."""
PARTITIONER = DefaultPartitioner()
BATCH_BYTES = 256 * 1024

Lanes = ItemsView[tuple[str, int], list[Event]]
"""Events by topic and partition; those of one partition in their order."""


class _Settled(Exception):
    """Something was refused, which is noted: what is left can be sent by another producer."""


class Publisher:
    """The producer of a process."""

    def __init__(self, access: Mapping[str, Any], topics: Topics) -> None:
        self._topics = topics
        self._producer = KeptClient(lambda: _producer(access), stop_producer)

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns.

        Raises `Undelivered` with what became of each, `Unavailable` when nothing can be told.
        """
        delivery = Delivery(events)
        try:
            with translated():
                await self._deliver(delivery)
        except Unavailable as error:
            if not delivery.tells:
                raise
            raise Undelivered(str(error), delivery.kept, delivery.refused, delivery.closed) from error
        if not delivery.is_whole:
            sentence = "; ".join({*delivery.refused.values(), *delivery.closed.values()})
            raise Undelivered(f"Kafka refuses events: {sentence}", delivery.kept, delivery.refused, delivery.closed)

    async def close(self) -> None:
        """Close the connections."""
        await self._producer.close()

    async def _deliver(self, delivery: Delivery) -> None:
        """Send what is left until nothing is. Raises errors of aiokafka, and `TimeoutError`."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while events := delivery.left():
                    with suppress(_Settled):
                        await self._attempt(delivery, events)
        except (KafkaError, TimeoutError):
            self._topics.doubt()
            raise

    async def _attempt(self, delivery: Delivery, events: Sequence[Event]) -> None:
        topics = sorted({event.topic for event in events})
        for topic in topics:
            with _closing(topic, delivery):
                await self._topics.set_up([topic])
        async with self._producer.used() as producer:
            lanes = await self._lanes(producer, delivery, topics, events)
            sent = (self._send(producer, topic, partition, each, delivery) for (topic, partition), each in lanes)
            failures = [each for each in await asyncio.gather(*sent, return_exceptions=True) if each]
            for failure in sorted(failures, key=lambda each: isinstance(each, _Settled)):
                raise failure

    async def _lanes(
        self, producer: AIOKafkaProducer, delivery: Delivery, topics: Sequence[str], events: Sequence[Event]
    ) -> Lanes:
        """Events of some topics, by partition."""
        lanes: dict[tuple[str, int], list[Event]] = defaultdict(list)
        partitions: dict[str, int] = {}
        for topic in topics:
            with _closing(topic, delivery):
                partitions[topic] = len(await producer.partitions_for(self._topics.name(topic)))
        for event in events:
            lanes[event.topic, partition_of(event.key, partitions[event.topic])].append(event)
        return lanes.items()

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, events: Sequence[Event], delivery: Delivery
    ) -> None:
        """Send the events of one partition, one batch after the other; what comes after a failure is not sent."""
        for batch, content in _batches(producer, events, delivery):
            with _closing(topic, delivery):
                try:
                    await (await producer.send_batch(batch, self._topics.name(topic), partition=partition))
                except REFUSALS as error:
                    delivery.refuse(content, error)
                    raise _Settled from error
            delivery.keep(content)


@contextmanager
def _closing(topic: str, delivery: Delivery) -> Iterator[None]:
    """Where the bus takes nothing of a topic, let that be known."""
    try:
        yield
    except CLOSED as error:
        delivery.close(topic, error)
        raise _Settled from error


@lru_cache(100_000)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, the same as of Kafka's own clients (murmur2, which takes a while in Python)."""
    return int(PARTITIONER(key.encode(), range(partitions), None))


def _batches(producer: AIOKafkaProducer, events: Sequence[Event], delivery: Delivery) -> list[tuple[Any, list[Event]]]:
    """Batches of events, in their order, each with what is in it."""
    batches: list[tuple[Any, list[Event]]] = []
    content: list[Event] = []
    doubted = delivery.doubted
    for event in events:
        apart = event.event_id in doubted or (content and content[-1].event_id in doubted)
        if not batches or apart or not _append(batches[-1][0], event):
            batches.append((producer.create_batch(), content := []))
            _append(batches[-1][0], event)  # an empty one takes any
        content.append(event)
    return batches


def _append(batch: Any, event: Event) -> bool:
    """Whether there was room for it. The time of an event is that of its record."""
    milliseconds, key, headers = int(event.time * 1_000), event.key.encode(), headers_of(event)
    return bool(batch.append(timestamp=milliseconds, key=key, value=event.data, headers=headers))


def _producer(access: Mapping[str, Any]) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **access,
        enable_idempotence=True,
        acks="all",
        request_timeout_ms=int(1_000 * PATIENCE_SECONDS),
        max_batch_size=BATCH_BYTES,
    )
