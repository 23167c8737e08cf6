"""Puts events onto Kafka: idempotent, acknowledged by all copies, all events of one key in one partition.

A producer sends what it has taken until the broker has it, once, however often the connection breaks. One that fails
all the same, or takes too long, is given up with all that it still holds, so that nothing comes late and out of order;
the next publication starts another one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from matinee.bus import Event
from matinee.cloud_events import headers_of
from matinee.kafka_bus.cluster import translated
from matinee.kafka_bus.topics import Topics

PATIENCE_SECONDS = 60.0
"""How long a publication waits for a broker that is away: longer than one takes to start again."""
CLOSE_SECONDS = 2.0
PARTITIONER = DefaultPartitioner()
BATCH_BYTES = 256 * 1024

Batches = dict[tuple[str, int], list[Any]]
"""Batches of records, by topic and partition; those of one partition in their order."""


class Publisher:
    """The producer of a process."""

    def __init__(self, access: Mapping[str, Any], topics: Topics) -> None:
        self._access = access
        self._topics = topics
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns. Raises `Unavailable`."""
        producer = None
        with translated():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._topics.set_up({event.topic for event in events})
                    producer = await self._started()
                    await self._send(producer, events)
            except (KafkaError, TimeoutError):
                await self._give_up(producer)
                raise

    async def close(self) -> None:
        """Close the connections."""
        if self._producer:
            await _halt(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._access,
                    enable_idempotence=True,
                    acks="all",
                    request_timeout_ms=int(1_000 * PATIENCE_SECONDS),
                    max_batch_size=BATCH_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    await _halt(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _give_up(self, producer: AIOKafkaProducer | None) -> None:
        self._topics.doubt()
        if producer is self._producer and producer is not None:
            self._producer = None
            await _halt(producer)

    async def _send(self, producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
        sent = []
        for (name, partition), batches in (await self._batches(producer, events)).items():
            sent += [await producer.send_batch(batch, name, partition=partition) for batch in batches]
        await asyncio.gather(*sent)

    async def _batches(self, producer: AIOKafkaProducer, events: Sequence[Event]) -> Batches:
        partitions = {topic: await self._partitions(producer, topic) for topic in {event.topic for event in events}}
        batches: Batches = defaultdict(list)
        for event in events:
            partition = partition_of(event.key, partitions[event.topic])
            _append(batches[self._topics.name(event.topic), partition], producer, event)
        return batches

    async def _partitions(self, producer: AIOKafkaProducer, topic: str) -> int:
        return len(await producer.partitions_for(self._topics.name(topic)))


@lru_cache(100_000)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, the same as of Kafka's own clients (murmur2, which takes a while in Python)."""
    return int(PARTITIONER(key.encode(), range(partitions), None))


def _append(batches: list[Any], producer: AIOKafkaProducer, event: Event) -> None:
    """Append an event to the last batch, or to a new one when it is full. Its time is that of the record."""
    record = {
        "timestamp": int(event.time * 1_000),
        "key": event.key.encode(),
        "value": event.data,
        "headers": list(headers_of(event).items()),
    }
    if not batches or batches[-1].append(**record) is None:
        batches.append(producer.create_batch())
        batches[-1].append(**record)


async def _halt(producer: AIOKafkaProducer) -> None:
    """Close the connections. Its own `stop` would wait until the broker has what nobody waits for any more."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer._sender.close()  # noqa: SLF001
    await producer.client.close()
    producer._closed = True  # noqa: SLF001 - or it complains of not having been stopped
