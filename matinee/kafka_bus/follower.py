"""Follows topics on Kafka without a consumer group, and whatever topics and partitions are added to them."""

import heapq
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from matinee.bus import Event
from matinee.kafka_bus.cluster import translated
from matinee.kafka_bus.member import events_of
from matinee.kafka_bus.progress import Progress
from matinee.kafka_bus.shutdown import stop_consumer
from matinee.kafka_bus.topics import Topics

LOOK_SECONDS = 5.0
"""How often it is looked whether there are new topics or partitions."""


class Follower:
    """Reads these topics, or all; its positions are its own."""

    def __init__(self, access: Mapping[str, Any], topics: Topics, followed: Collection[str]) -> None:
        self._consumer = AIOKafkaConsumer(**access, auto_offset_reset="earliest")
        self._progress = Progress(self._consumer, topics)
        self._topics = topics
        self._followed = followed
        self._positions: dict[TopicPartition, int] = {}

    async def events(self, since: float | None) -> AsyncIterator[Event]:
        """Events from now on, or from a time. Raises `Unavailable`."""
        try:
            with translated():
                await self._topics.set_up(self._followed)
                await self._consumer.start()
                await self._look(since)
            while True:
                with translated():
                    found = await self._next()
                for event in found:
                    yield event
        finally:
            await stop_consumer(self._consumer)

    async def _next(self) -> list[Event]:
        """Events, or none when it was time to look."""
        if time.monotonic() > self._look_at:
            await self._look(0.0)
        left = max(0.0, self._look_at - time.monotonic())
        found = await self._consumer.getmany(timeout_ms=int(1_000 * left) + 1)
        if not found:
            await self._look(0.0)  # first: a topic that was removed has no progress
            await self._progress.check()
        self._positions |= {partition: records[-1].offset + 1 for partition, records in found.items()}
        return merged(found, self._topics)

    async def _look(self, since: float | None) -> None:
        """Go on with the topics and partitions that there are now; with new ones from a time."""
        self._look_at = time.monotonic() + LOOK_SECONDS
        found = await self._found(since)
        if found.keys() == self._positions.keys():
            return
        self._positions = found
        self._consumer.assign(list(found))
        for partition, position in found.items():
            self._consumer.seek(partition, position)

    async def _found(self, since: float | None) -> dict[TopicPartition, int]:
        """Where to go on in the partitions that there are now, and where to begin in new ones."""
        while True:
            partitions = await self._topics.partitions(self._followed)
            kept = {each: self._positions[each] for each in partitions if each in self._positions}
            fresh = [each for each in partitions if each not in kept]
            with suppress(UnknownTopicOrPartitionError):  # one was removed since
                return kept | await self._topics.answer(positions(self._consumer, fresh, since), fresh)


def merged(found: Mapping[TopicPartition, Sequence[ConsumerRecord]], topics: Topics) -> list[Event]:
    """The events in records by their times, but for those of one partition: these keep their order, as of one key."""
    partitions = (events_of({partition: records}, topics) for partition, records in found.items())
    return list(heapq.merge(*partitions, key=lambda event: event.time))


async def positions(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], since: float | None
) -> dict[TopicPartition, int]:
    """The first positions of partitions that hold a moment or a later one; the ends for None, or where none does."""
    if since is not None and since <= 0:
        return dict(await consumer.beginning_offsets(partitions))
    ends = dict(await consumer.end_offsets(partitions))
    if since is None or not partitions:
        return ends
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since * 1_000)))
    return ends | {partition: at.offset for partition, at in found.items() if at}
