"""Follows topics on Kafka without a consumer group, and whatever topics and partitions are added to them."""

import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from matinee.bus import Event
from matinee.kafka_bus.cluster import translated
from matinee.kafka_bus.member import events_of, stop
from matinee.kafka_bus.topics import Topics

LOOK_SECONDS = 5.0
"""How often it is looked whether there are new topics or partitions."""


class Follower:
    """Reads these topics, or all; its positions are its own."""

    def __init__(self, access: Mapping[str, Any], topics: Topics, followed: Collection[str]) -> None:
        self._consumer = AIOKafkaConsumer(**access, auto_offset_reset="earliest")
        self._topics = topics
        self._followed = followed
        self._positions: dict[TopicPartition, int] = {}

    async def events(self, *, from_beginning: bool) -> AsyncIterator[Event]:
        """Events from now on, or from the oldest that is kept. Raises `Unavailable`."""
        try:
            with translated():
                await self._topics.set_up(self._followed)
                await self._consumer.start()
                await self._look(from_beginning=from_beginning)
            while True:
                with translated():
                    found = await self._next()
                for event in found:
                    yield event
        finally:
            await stop(self._consumer)

    async def _next(self) -> list[Event]:
        """Events, or none when it was time to look."""
        if time.monotonic() > self._look_at:
            await self._look(from_beginning=True)
        left = max(0.0, self._look_at - time.monotonic())
        found = await self._consumer.getmany(timeout_ms=int(1_000 * left) + 1)
        self._positions |= {partition: records[-1].offset + 1 for partition, records in found.items()}
        return sorted(events_of(found, self._topics), key=lambda event: event.time)

    async def _look(self, *, from_beginning: bool) -> None:
        self._look_at = time.monotonic() + LOOK_SECONDS
        names = {self._topics.name(topic) for topic in self._followed}
        there = {name: count for name, count in (await self._topics.there()).items() if not names or name in names}
        partitions = [TopicPartition(name, number) for name, count in there.items() for number in range(count)]
        if set(partitions) == set(self._positions):
            return
        ends = self._consumer.beginning_offsets if from_beginning else self._consumer.end_offsets
        self._positions = await ends([each for each in partitions if each not in self._positions]) | {
            each: position for each, position in self._positions.items() if each in partitions
        }
        self._consumer.assign(partitions)
        for partition, position in self._positions.items():
            self._consumer.seek(partition, position)
