"""Notices when nothing comes out of a consumer any more though there is something.

aiokafka fetches in a task of its own. When that ends by an error which it did not expect, whoever asks for records is
told for ever that there are none.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, UnknownTopicOrPartitionError

from matinee.kafka_bus.topics import Topics

ANSWER_SECONDS = 30.0
"""How long the broker may take to say what it has."""


class Progress:
    """Of one consumer."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Topics) -> None:
        self._consumer = consumer
        self._topics = topics
        self._missing: Mapping[TopicPartition, int] = {}

    async def check(self) -> None:
        """Ask the broker, when nothing has come for a while, whether it has what did not come the last time either.

        Raises errors of aiokafka, and `TimeoutError`.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                missing = await self._topics.answer(self._next_of_those_behind(), self._consumer.assignment())
        except UnknownTopicOrPartitionError:
            return  # one has no progress: the others are asked for the next time
        if missing.items() & self._missing.items():
            raise KafkaError("there are records, but none come")
        self._missing = missing

    async def _next_of_those_behind(self) -> Mapping[TopicPartition, int]:
        """The next record of every partition that has one."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        with suppress(IllegalStateError):  # a partition was given up meanwhile
            return {each: at for each, end in ends.items() if (at := await self._consumer.position(each)) < end}
        return {}
