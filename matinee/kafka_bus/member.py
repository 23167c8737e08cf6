"""One member of a consumer group on Kafka.

The partitions of a group are shared out among its members, each with as many of those that it had as is fair. Before a
partition is given up, what was taken from it is committed, if that comes within a few seconds; what was not, its next
owner takes again.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from matinee.bus import Event
from matinee.cloud_events import event_of
from matinee.errors import InvalidInput
from matinee.kafka_bus.assignment import Assignor
from matinee.kafka_bus.cluster import translated
from matinee.kafka_bus.continuity import Continuity, Missed, ignored
from matinee.kafka_bus.progress import Progress
from matinee.kafka_bus.shutdown import stop_consumer
from matinee.kafka_bus.topics import Topics

JOIN_SECONDS = 60.0
SETTLE_SECONDS = 5.0
"""How long a partition is kept for a commit when it is to be given up."""
REBALANCE_SECONDS = 30.0
HEARTBEAT_SECONDS = 1.0
"""How often a member hears whether others have come or gone."""
METADATA_SECONDS = 30.0
"""How often a member looks for new partitions, and for a topic that somebody removed: others may have made it anew."""
IDLE_SECONDS = 5.0
"""When nothing has come for so long, it is asked whether the broker is there, and has nothing."""
PATIENCE_SECONDS = 30.0

log = structlog.get_logger()


class Member(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """A `Subscription` on Kafka."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Topics, missed: Missed) -> None:
        self._consumer = consumer
        self._progress = Progress(consumer, topics)
        self._continuity = Continuity(consumer, topics, missed)
        self._topics = topics
        self._taken: dict[TopicPartition, int] = {}
        self._settled = asyncio.Event()
        self._settled.set()

    async def take(self, most: int) -> Sequence[Event]:
        """At least one event and at most so many; those of one topic and key in order."""
        while True:
            with translated():
                async with asyncio.timeout(PATIENCE_SECONDS):
                    found = await self._consumer.getmany(timeout_ms=int(1_000 * IDLE_SECONDS), max_records=most)
                    if not found:
                        await self._progress.check()
                    await self._continuity.check(found)
            self._taken |= {partition: records[-1].offset + 1 for partition, records in found.items()}
            if events := events_of(found, self._topics):
                self._settled.clear()
                return events

    async def commit(self) -> None:
        """Note that all events taken so far are done, but for those of partitions that were given up since."""
        taken, self._taken = self._taken, {}
        try:
            if taken:
                await self._commit(taken)
        finally:
            self._settled.set()

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        with translated(), suppress(CommitFailedError, IllegalStateError):  # whoever has them now takes them again
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._consumer.commit(offsets)

    def leave(self) -> None:
        """Commit nothing more."""
        self._settled.set()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Wait until what was taken is committed; forget what is not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._settled.wait()
        self._taken.clear()
        self._continuity.begin()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Kafka remembers where to go on."""


def events_of(found: Mapping[TopicPartition, Sequence[ConsumerRecord]], topics: Topics) -> list[Event]:
    """The events in records; what somebody else has put onto our topics is passed over."""
    events = []
    for partition, records in found.items():
        topic = topics.topic(partition.topic)
        for record in records:
            try:
                events.append(event_of(dict(record.headers), topic, record.value or b""))
            except InvalidInput as error:
                log.warning("a record is passed over", reason=str(error), **partition._asdict(), offset=record.offset)
    return events


@asynccontextmanager
async def joined(
    access: Mapping[str, Any],
    group: str,
    names: Sequence[str],
    assignor: Assignor,
    topics: Topics,
    *,
    missed: Missed = ignored,
) -> AsyncIterator[tuple[AIOKafkaConsumer, Member]]:
    """A consumer that is a member of a group for as long as the context lasts. Raises `Unavailable`."""
    consumer = AIOKafkaConsumer(
        **access,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        partition_assignment_strategy=[assignor],
        rebalance_timeout_ms=int(1_000 * REBALANCE_SECONDS),
        heartbeat_interval_ms=int(1_000 * HEARTBEAT_SECONDS),
        metadata_max_age_ms=int(1_000 * METADATA_SECONDS),
    )
    member = Member(consumer, topics, missed)
    consumer.subscribe(topics=names, listener=member)
    try:
        with translated():
            async with asyncio.timeout(JOIN_SECONDS):
                await consumer.start()
        yield consumer, member
    finally:
        member.leave()
        await stop_consumer(consumer)
