"""The topics on Kafka: what they are called there, and how they are set up."""

import asyncio
from collections.abc import Iterable

from matinee.kafka_bus.cluster import Cluster
from matinee.settings import EventSettings

DAY_MILLISECONDS = 86_400_000
SMALLEST_SEGMENT = 1024**2
SEGMENTS = 4
"""Kafka removes whole segments only; so many of them make up what a partition may hold."""
LONGEST = 2**63 - 1
AS_THE_BROKER = -1
"""As many copies as the broker's own `default.replication.factor` says."""


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
