"""Notices when events were removed before a group took them: aiokafka goes on with the oldest there is, without a word.

Positions are skipped for other reasons too, such as the markers of somebody's transactions. So what lies before the
oldest record that the broker has is missed, and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from matinee.kafka_bus.topics import Topics


class Missed(Protocol):
    """Hears of events that were removed from a topic before they were taken."""

    def __call__(self, topic: str, positions: range, *, events: int, partition: int) -> None:
        """Take note of it."""
        ...


class Continuity:
    """Of what one member takes."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Topics, missed: Missed) -> None:
        self._consumer = consumer
        self._topics = topics
        self._missed = missed
        self._next: dict[TopicPartition, int] = {}

    def begin(self) -> None:
        """Partitions are shared out anew: each goes on where the group has committed."""
        self._next.clear()

    async def check(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        """Look whether something is missing before these records. Raises errors of aiokafka."""
        for partition, records in found.items():
            first = records[0].offset
            expected = await self._expected(partition, first)
            if first > expected:
                oldest = (await self._consumer.beginning_offsets([partition]))[partition]
                if gone := range(expected, min(first, oldest)):
                    topic = self._topics.topic(partition.topic)
                    self._missed(topic, gone, events=len(gone), partition=partition.partition)
            self._next[partition] = records[-1].offset + 1

    async def _expected(self, partition: TopicPartition, first: int) -> int:
        """The position with which the group goes on; a new one begins with what there is."""
        if partition in self._next or not first:
            return self._next.get(partition, 0)
        committed = await self._consumer.committed(partition)
        return first if committed is None else int(committed)


def ignored(topic: str, positions: range, *, events: int, partition: int) -> None:
    """Of a member that takes nothing."""
