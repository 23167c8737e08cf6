"""Events per second onto Kafka and off it, beside aiokafka alone: `python -m bench.kafka`.

Both sides send the same records in turns, as the relay does: so many at a time, waiting until all copies have them.
That of aiokafka alone has its records ready, with keys, headers and partitions; ours begins with events. Taking is by
one member of a group, which commits as often as the runner does.
"""

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from bench.table import show
from control.events.relay import BATCH
from control.events.runner import BATCH as TAKEN
from matinee.bus import Event
from matinee.cloud_events import headers_of
from matinee.kafka_bus.bus import KafkaBus, open_kafka_bus
from matinee.kafka_bus.publisher import BATCH_BYTES
from matinee.settings import EventSettings
from tests.services.kafka import Broker, kafka

EVENTS = 50_000
ROUNDS = 5
PARTITIONS = 6
TOPIC = "movie-played"
ALONE = "alone"

Record = dict[str, Any]
Records = Sequence[tuple[int, Record]]
"""Records, each with its partition."""


@dataclass
class Rounds:
    """Seconds of each round."""

    singly: list[float] = field(default_factory=list)
    in_batches: list[float] = field(default_factory=list)
    published: list[float] = field(default_factory=list)
    taken_alone: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)


def made() -> list[Event]:
    """Events of a thousand accounts, as large as those of Matinee."""
    now = time.time()
    return [Event(f"{number:026}", TOPIC, f"account-{number % 1_000:018}", now, bytes(250)) for number in range(EVENTS)]


def records(events: Sequence[Event]) -> Records:
    """The same as aiokafka takes it."""
    partition, found = DefaultPartitioner(), []
    for event in events:
        key, headers = event.key.encode(), list(headers_of(event).items())
        record = {"timestamp": int(event.time * 1_000), "key": key, "value": event.data, "headers": headers}
        found.append((partition(key, list(range(PARTITIONS)), None), record))
    return found


async def sent_singly(producer: AIOKafkaProducer, ready: Records) -> float:
    """Seconds that aiokafka takes to send records of which it makes batches by itself."""
    began = time.perf_counter()
    for start in range(0, len(ready), BATCH):
        sent = [
            await producer.send(ALONE, one["value"], one["key"], timestamp_ms=one["timestamp"], headers=one["headers"])
            for _, one in ready[start : start + BATCH]
        ]
        await asyncio.gather(*sent)
    return time.perf_counter() - began


async def sent_in_batches(producer: AIOKafkaProducer, ready: Records) -> float:
    """Seconds that it takes to send records in batches that are made for it."""
    began = time.perf_counter()
    for start in range(0, len(ready), BATCH):
        batches: dict[int, list[Any]] = defaultdict(list)
        for partition, record in ready[start : start + BATCH]:
            of_partition = batches[partition]
            if not of_partition or of_partition[-1].append(**record) is None:
                of_partition.append(producer.create_batch())
                of_partition[-1].append(**record)
        sent = [
            await producer.send_batch(batch, ALONE, partition=partition)
            for partition, of_partition in batches.items()
            for batch in of_partition
        ]
        await asyncio.gather(*sent)
    return time.perf_counter() - began


async def published(bus: KafkaBus, events: Sequence[Event]) -> float:
    """Seconds that our bus takes for the same events."""
    began = time.perf_counter()
    for start in range(0, len(events), BATCH):
        await bus.publish(events[start : start + BATCH])
    return time.perf_counter() - began


async def taken_alone(broker: Broker, group: str) -> float:
    """Seconds that aiokafka takes to read as many records."""
    consumer = AIOKafkaConsumer(
        ALONE, bootstrap_servers=broker.address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    async with consumer:
        left, began = EVENTS, time.perf_counter()
        while left > 0:
            found = await consumer.getmany(timeout_ms=1_000, max_records=TAKEN)
            if found:
                left -= sum(map(len, found.values()))
                await consumer.commit({each: batch[-1].offset + 1 for each, batch in found.items()})
        return time.perf_counter() - began


async def taken(bus: KafkaBus, group: str) -> float:
    """Seconds that a member of one of our groups takes for the same."""
    async with bus.subscribe(group, [TOPIC]) as subscription:
        left, began = EVENTS, time.perf_counter()
        while left > 0:
            left -= len(await subscription.take(TAKEN))
            await subscription.commit()
        return time.perf_counter() - began


async def compare(broker: Broker) -> Rounds:
    """Both sides in turns."""
    events, access = made(), EventSettings(url=broker.url, partitions=PARTITIONS)
    ready = records(events)
    found = Rounds()
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.address, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
    )
    async with open_kafka_bus(access) as bus:
        await bus.lag("nobody", [ALONE, TOPIC])  # makes the topics
        async with producer:
            for number in range(ROUNDS):
                found.singly.append(await sent_singly(producer, ready))
                found.in_batches.append(await sent_in_batches(producer, ready))
                found.published.append(await published(bus, events))
                found.taken_alone.append(await taken_alone(broker, f"round-{number}"))
                found.taken.append(await taken(bus, f"round-{number}"))
    return found


def row(kind: str, *sides: list[float]) -> Sequence[str]:
    """Medians of both sides as events per second, and ours as a share of the other."""
    theirs, ours = (EVENTS / statistics.median(times) for times in sides)
    return kind, f"{theirs:,.0f}", f"{ours:,.0f}", f"{ours / theirs:.2f}"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, kafka(Path(folder)) as broker:
        found = asyncio.run(compare(broker))
    rows = [
        row("sent: aiokafka makes the batches (send)", found.singly, found.published),
        row("sent: batches of records made beforehand", found.in_batches, found.published),
        row("taken", found.taken_alone, found.taken),
    ]
    show("Events per second on Kafka", ("", "aiokafka alone", "our bus", "ratio"), rows)


if __name__ == "__main__":
    main()
