"""How far consumer groups are behind, looked up by clients that stay connected from one look to the next."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from matinee.kafka_bus.client import KeptClient
from matinee.kafka_bus.cluster import Cluster
from matinee.kafka_bus.shutdown import stop_consumer
from matinee.kafka_bus.topics import Topics

Offsets = Mapping[TopicPartition, int]


class LagGauge:
    """Holds what groups have committed against what their topics hold."""

    def __init__(self, access: Mapping[str, Any], cluster: Cluster, topics: Topics) -> None:
        self._cluster = cluster
        self._topics = topics
        self._consumer = KeptClient(lambda: AIOKafkaConsumer(**access), stop_consumer)

    async def read(self, groups: Mapping[str, Collection[str]]) -> dict[str, dict[str, int]]:
        """How many events of each of its topics a group, as Kafka calls it, has not done. Raises errors of aiokafka."""
        partitions = await self._topics.partitions({topic for topics in groups.values() for topic in topics})
        committed = await asyncio.gather(*(self._cluster.committed(group, partitions) for group in groups))
        oldest, newest = await self._ends(partitions)  # looked up last: nobody is further
        left = [{each: newest[each] - max(oldest[each], done[each]) for each in partitions} for done in committed]
        return {
            group: {topic: self._sum(topic, behind) for topic in topics}
            for (group, topics), behind in zip(groups.items(), left, strict=True)
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._consumer.close()

    async def _ends(self, partitions: Sequence[TopicPartition]) -> tuple[Offsets, Offsets]:
        async with self._consumer.used() as consumer:
            return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)

    def _sum(self, topic: str, behind: Offsets) -> int:
        return sum(events for partition, events in behind.items() if partition.topic == self._topics.name(topic))
