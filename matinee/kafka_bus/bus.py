"""The event bus over Kafka."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

from matinee.bus import Event, Subscription
from matinee.gaps import Gaps
from matinee.kafka_bus.assignment import alone, shares
from matinee.kafka_bus.cluster import Cluster, connection, show_ends, translated
from matinee.kafka_bus.follower import Follower, positions
from matinee.kafka_bus.lag import LagGauge
from matinee.kafka_bus.member import joined
from matinee.kafka_bus.publisher import Publisher
from matinee.kafka_bus.topics import Topics
from matinee.settings import EventSettings
from matinee.telemetry.expiries import Expiries


class KafkaBus:
    """An `EventBus` over the topics of one Kafka cluster; it connects when it is first used."""

    def __init__(self, settings: EventSettings) -> None:
        self.gaps = Gaps()
        self._prefix = settings.prefix
        self._access: dict[str, Any] = connection(settings)
        self._cluster = Cluster(self._access)
        self._topics = Topics(settings, self._cluster)
        self._publisher = Publisher(self._access, self._topics)
        self._lag = LagGauge(self._access, self._cluster, self._topics)

    async def publish(self, events: Sequence[Event]) -> None:
        """Put events onto their topics; all of them are kept when this returns."""
        if events:
            await self._publisher.publish(events)

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Collection[str]) -> AsyncIterator[Subscription]:
        """Join a consumer group, and wait for a share of its topics."""
        with translated():
            names = await self._topics.set_up(topics)
        missed = partial(self.gaps.note, group)
        async with joined(self._access, self._prefix + group, names, shares(), self._topics, missed=missed) as (
            _,
            member,
        ):
            yield member

    async def rewind(self, group: str, topics: Collection[str], since: float = 0.0) -> None:
        """Set a group back, by being for a moment the only member that has anything."""
        with translated():
            names = await self._topics.set_up(topics)
        async with joined(self._access, self._prefix + group, names, alone(), self._topics) as (consumer, _):
            with translated():
                await consumer.commit(await positions(consumer, consumer.assignment(), since))

    async def follow(self, topics: Collection[str] = (), *, since: float | None = None) -> AsyncIterator[Event]:
        """Events of these topics, or of all, without a group; those of one key in order within each topic."""
        follower = Follower(self._access, self._topics, topics)
        async with aclosing(follower.events(since)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    async def lag(self, groups: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, int]]:
        """How many events of each of its topics each group has not done yet."""
        with translated():
            found = await self._lag.read({self._prefix + group: topics for group, topics in groups.items()})
        return {group: found[self._prefix + group] for group in groups}

    async def check(self) -> None:
        """Look whether a broker answers."""
        await self.describe()

    async def describe(self) -> str:
        """The cluster, in words. Raises `Unavailable`."""
        with translated():
            name, brokers = await self._cluster.describe()
        return f"cluster {name} of {brokers} broker{'s' if brokers > 1 else ''}"

    async def close(self) -> None:
        """Close the connections."""
        await self._publisher.close()
        await self._lag.close()
        await self._cluster.close()


@asynccontextmanager
async def open_kafka_bus(settings: EventSettings, expiries: Expiries | None = None) -> AsyncIterator[KafkaBus]:
    """The bus that settings name, for as long as the context lasts; `expiries` tell of its certificates.

    Raises `InvalidInput` for certificates that cannot be used.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what goes wrong is told once, by whoever meets it
    bus = KafkaBus(settings)
    if expiries:
        await asyncio.to_thread(show_ends, settings, expiries)
    try:
        yield bus
    finally:
        await bus.close()
