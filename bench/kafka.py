"""Events per second onto Kafka and off it, beside aiokafka alone: `python -m bench.kafka`.

Both sides send the same records in turns, as the relay does: so many at a time, idempotent, waiting until all copies
have them. Ours begins with events and keeps them apart by partition, with their headers. aiokafka alone has all that
ready in the first two rows; in the third it makes records of events too. Taking is by one member of a group, which
commits as often as the runner does; ours makes events of records, and so does aiokafka alone in the last row.
"""

import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.table import show
from control.events.relay import BATCH
from control.events.runner import BATCH as TAKEN
from matinee.bus import Event
from matinee.cloud_events import event_of, headers_of
from matinee.kafka_bus.bus import KafkaBus, open_kafka_bus
from matinee.kafka_bus.publisher import BATCH_BYTES, partition_of
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


class Cost(NamedTuple):
    """Seconds by the clock, and of this process's CPU."""

    clock: float
    cpu: float


@dataclass
class Rounds:
    """What each round cost."""

    singly: list[Cost] = field(default_factory=list)
    in_batches: list[Cost] = field(default_factory=list)
    from_events: list[Cost] = field(default_factory=list)
    published: list[Cost] = field(default_factory=list)
    taken_alone: list[Cost] = field(default_factory=list)
    taken_as_events: list[Cost] = field(default_factory=list)
    taken: list[Cost] = field(default_factory=list)


def watch() -> Callable[[], Cost]:
    """Tells what was spent since."""
    clock, cpu = time.perf_counter(), time.process_time()
    return lambda: Cost(time.perf_counter() - clock, time.process_time() - cpu)


def made() -> list[Event]:
    """Events of a thousand accounts, as large as those of Matinee."""
    now = time.time()
    return [Event(f"{number:026}", TOPIC, f"account-{number % 1_000:018}", now, bytes(250)) for number in range(EVENTS)]


def records(events: Sequence[Event]) -> Records:
    """The same as aiokafka takes it."""
    return [
        (
            partition_of(event.key, PARTITIONS),
            {
                "timestamp": int(event.time * 1_000),
                "key": event.key.encode(),
                "value": event.data,
                "headers": headers_of(event),
            },
        )
        for event in events
    ]


async def sent_singly(producer: AIOKafkaProducer, ready: Records) -> Cost:
    """Seconds that aiokafka takes to send records of which it makes batches by itself."""
    passed = watch()
    for start in range(0, len(ready), BATCH):
        sent = [
            await producer.send(ALONE, one["value"], one["key"], timestamp_ms=one["timestamp"], headers=one["headers"])
            for _, one in ready[start : start + BATCH]
        ]
        await asyncio.gather(*sent)
    return passed()


async def sent_in_batches(producer: AIOKafkaProducer, ready: Records) -> Cost:
    """Seconds that it takes to send records in batches that are made for it."""
    passed = watch()
    for start in range(0, len(ready), BATCH):
        await send(producer, ready[start : start + BATCH])
    return passed()


async def sent_from_events(producer: AIOKafkaProducer, events: Sequence[Event]) -> Cost:
    """The same for events, of which the records are made meanwhile."""
    passed = watch()
    for start in range(0, len(events), BATCH):
        await send(producer, records(events[start : start + BATCH]))
    return passed()


async def send(producer: AIOKafkaProducer, ready: Records) -> None:
    """Send records in batches, and wait until all are there."""
    batches: dict[int, list[Any]] = defaultdict(list)
    for partition, record in ready:
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


async def published(bus: KafkaBus, events: Sequence[Event]) -> Cost:
    """Seconds that our bus takes for the same events."""
    passed = watch()
    for start in range(0, len(events), BATCH):
        await bus.publish(events[start : start + BATCH])
    return passed()


async def taken_alone(broker: Broker, group: str, *, as_events: bool) -> Cost:
    """Seconds that aiokafka takes to read as many records, and to make events of them."""
    consumer = AIOKafkaConsumer(
        ALONE, bootstrap_servers=broker.address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    async with consumer:
        left, passed = EVENTS, watch()
        while left > 0:
            found = await consumer.getmany(timeout_ms=1_000, max_records=TAKEN)
            if found:
                left -= sum(map(len, found.values()))
                if as_events:
                    [event_of(dict(one.headers), ALONE, one.value) for each in found.values() for one in each]
                await consumer.commit({each: batch[-1].offset + 1 for each, batch in found.items()})
        return passed()


async def taken(bus: KafkaBus, group: str) -> Cost:
    """Seconds that a member of one of our groups takes for the same."""
    async with bus.subscribe(group, [TOPIC]) as subscription:
        left, passed = EVENTS, watch()
        while left > 0:
            left -= len(await subscription.take(TAKEN))
            await subscription.commit()
        return passed()


async def compare(broker: Broker) -> Rounds:
    """Both sides in turns."""
    events, access = made(), EventSettings(url=broker.url, partitions=PARTITIONS)
    ready = records(events)
    found = Rounds()
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.address, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES
    )
    async with open_kafka_bus(access) as bus:
        for topic in (ALONE, TOPIC):
            await bus.publish([events[0]._replace(topic=topic)])  # makes it
        async with producer:
            for number in range(ROUNDS):
                found.singly.append(await sent_singly(producer, ready))
                found.in_batches.append(await sent_in_batches(producer, ready))
                found.from_events.append(await sent_from_events(producer, events))
                found.published.append(await published(bus, events))
                found.taken_alone.append(await taken_alone(broker, f"round-{number}", as_events=False))
                found.taken_as_events.append(await taken_alone(broker, f"events-{number}", as_events=True))
                found.taken.append(await taken(bus, f"round-{number}"))
    return found


def row(kind: str, theirs: list[Cost], ours: list[Cost]) -> Sequence[str]:
    """Medians of both sides as events per second, and ours as a share of the other; the same per second of CPU."""
    figures = [kind]
    for measure in Cost._fields:
        alone, bus = (EVENTS / statistics.median(getattr(cost, measure) for cost in side) for side in (theirs, ours))
        figures += [f"{alone:,.0f}", f"{bus:,.0f}", f"{bus / alone:.2f}"]
    return figures


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, kafka(Path(folder)) as broker:
        found = asyncio.run(compare(broker))
    rows = [
        row("sent: aiokafka makes the batches (send)", found.singly, found.published),
        row("sent: batches of records made beforehand", found.in_batches, found.published),
        row("sent: batches of records made of events", found.from_events, found.published),
        row("taken: records as they are", found.taken_alone, found.taken),
        row("taken: events made of records", found.taken_as_events, found.taken),
    ]
    header = ("", "aiokafka alone", "our bus", "ratio", "aiokafka, per CPU second", "our bus", "ratio")
    show("Events per second on Kafka", header, rows)


if __name__ == "__main__":
    main()
