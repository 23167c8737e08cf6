"""The topics on Kafka: what they are called there, and how they are set up."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from matinee.kafka_bus.cluster import Cluster
from matinee.settings import EventSettings

DAY_MILLISECONDS = 86_400_000
SMALLEST_SEGMENT = 1024**2
SEGMENTS = 4
"""Kafka removes whole segments only; so many of them make up what a partition may hold."""
LONGEST = 2**63 - 1
AS_THE_BROKER = -1
"""As many copies as the broker's own `default.replication.factor` says."""
DOUBT_SECONDS = 1.0
"""When a broker has not answered for so long, it is looked whether what it was asked about is still there."""

Answer = TypeVar("Answer")


class Topics:
    """The topics of one instance: they are made when they are first needed, may grow, and never shrink."""

    def __init__(self, settings: EventSettings, cluster: Cluster) -> None:
        self._prefix = settings.prefix
        self._partitions = settings.partitions
        self._replicas = settings.replicas or AS_THE_BROKER
        self._config = configuration(settings)
        self._cluster = cluster
        self._ready: set[str] = set()
        self._turn = asyncio.Lock()

    def name(self, topic: str) -> str:
        """What Kafka calls a topic."""
        return self._prefix + topic

    def topic(self, name: str) -> str:
        """What we call it."""
        return name.removeprefix(self._prefix)

    async def set_up(self, topics: Iterable[str]) -> list[str]:
        """Make sure that these are there, and answer what Kafka calls them."""
        names = [self.name(topic) for topic in topics]
        async with self._turn:
            if not self._ready.issuperset(names):
                await self._make(names)
                self._ready.update(names)
        return names

    def doubt(self) -> None:
        """Look anew whether the topics are there when they are needed again: somebody may have removed one."""
        self._ready.clear()

    async def there(self) -> dict[str, int]:
        """Those that are there, as Kafka calls them, and how many partitions each has."""
        return await self._cluster.partitions(self._prefix)

    async def partitions(self, topics: Collection[str] = ()) -> list[TopicPartition]:
        """Every partition of those of these topics that are there, or of all that are."""
        names = {self.name(topic) for topic in topics}
        there = {name: count for name, count in (await self.there()).items() if not names or name in names}
        return [TopicPartition(name, number) for name, count in there.items() for number in range(count)]

    async def answer(self, asked: Coroutine[Any, Any, Answer], partitions: Collection[TopicPartition]) -> Answer:
        """What a client is answered about partitions.

        Raises `UnknownTopicOrPartitionError` when one is removed meanwhile: aiokafka would ask on until it gives up.
        """
        answering = asyncio.create_task(asked)
        answering.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while not (await asyncio.wait({answering}, timeout=DOUBT_SECONDS))[0]:
                if not set(partitions).issubset(await self.partitions()):
                    raise UnknownTopicOrPartitionError("it was removed meanwhile")
            return answering.result()
        finally:
            answering.cancel()

    async def _make(self, names: list[str]) -> None:
        found = await self.there()
        if missing := [name for name in names if name not in found]:
            await self._cluster.create(missing, self._partitions, self._replicas, self._config)
        if small := [name for name in names if found.get(name, self._partitions) < self._partitions]:
            await self._cluster.grow(small, self._partitions)


def configuration(settings: EventSettings) -> dict[str, str]:
    """How a topic is kept: `max_bytes` is for all partitions of one topic."""
    most_bytes = settings.max_bytes // settings.partitions
    return {
        "retention.ms": str(settings.retention_days * DAY_MILLISECONDS),
        "retention.bytes": str(most_bytes),
        "segment.bytes": str(max(SMALLEST_SEGMENT, most_bytes // SEGMENTS)),
        "message.timestamp.after.max.ms": str(LONGEST),  # or a clock an hour ahead of the broker's would hold all up
    }
