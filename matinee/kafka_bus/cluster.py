"""The cluster: how it is reached, what its errors mean to us, and what an administrator can do on it."""

import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    GroupLoadInProgressError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from matinee.certificates import AUTHORITY, CHAIN, in_files
from matinee.errors import InvalidInput, Unavailable
from matinee.kafka_bus.client import KeptClient
from matinee.kafka_bus.obstacle import NotLetIn, obstacle
from matinee.kafka_bus.shutdown import stop_administrator
from matinee.settings import EventSettings
from matinee.telemetry.expiries import Expiries

SECURE = "kafka+ssl"
ADMIN_SECONDS = 10.0
"""Longest time that one request of an administrator may take."""


def connection(settings: EventSettings) -> dict[str, Any]:
    """How every client connects. Raises `InvalidInput` when a file of a certificate cannot be used."""
    scheme, _, servers = settings.url.partition("://")
    secure, known = scheme == SECURE, bool(settings.username)
    security = {
        (False, False): "PLAINTEXT",
        (False, True): "SASL_PLAINTEXT",
        (True, False): "SSL",
        (True, True): "SASL_SSL",
    }
    return {
        "bootstrap_servers": servers.split(","),
        "client_id": "matinee",
        "security_protocol": security[secure, known],
        "ssl_context": _ssl_context(settings) if secure else None,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.username or None,
        "sasl_plain_password": settings.password.get_secret_value() or None,
    }


def _ssl_context(settings: EventSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.certificate_file:
            files = settings.certificate_file, settings.key_file or None
            context.load_cert_chain(*files, password=lambda: "")  # or it would ask at the terminal, or its input
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInput(f"the certificates in [events] cannot be used: {error}") from error
    return context


def show_ends(settings: EventSettings, expiries: Expiries) -> None:
    """Have Prometheus read when the certificates expire that every client has read at its start."""
    if not settings.url.startswith(SECURE):
        return
    ends = in_files(settings.certificate_file, settings.ca_file).ends()
    for setting, kind in (("events.certificate_file", CHAIN), ("events.ca_file", AUTHORITY)):
        if kind in ends:
            expiries.show(setting, ends[kind].timestamp)


@contextmanager
def translated() -> Iterator[None]:
    """Whatever keeps Kafka from doing what it should is `Unavailable`: the same may succeed later."""
    try:
        yield
    except (KafkaError, TimeoutError) as error:
        unreached = isinstance(error, KafkaConnectionError) and not isinstance(error, NotLetIn)  # words of Python
        reason = "no broker can be reached, or none lets us in" if unreached else str(error) or type(error).__name__
        raise Unavailable(f"Kafka is not available ({reason}); try again") from error


class Cluster:
    """What an administrator asks of the cluster. Its methods raise errors of aiokafka."""

    def __init__(self, access: Mapping[str, Any]) -> None:
        self._access = access
        timeout = int(1_000 * ADMIN_SECONDS)
        self._client = KeptClient(lambda: AIOKafkaAdminClient(**access, request_timeout_ms=timeout), stop_administrator)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """The client. Raises `NotLetIn` where it can be told why there is no connection."""
        try:
            async with self._client.used() as admin:
                yield admin
        except KafkaConnectionError as error:
            if found := await obstacle(self._access):
                raise NotLetIn(found) from error
            raise

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        async with self._used() as admin:
            if not (await admin.describe_cluster())["brokers"]:  # aiokafka would fail at a controller that is None
                raise KafkaConnectionError("the broker has just been started")
            yield admin

    async def partitions(self, prefix: str) -> dict[str, int]:
        """How many partitions each topic has whose name begins so; those of Kafka itself are left out."""
        async with self._admin() as admin:
            described = await admin.describe_topics()
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in described
            if topic["topic"].startswith(prefix) and not topic["is_internal"]
        }

    async def create(self, topics: Collection[str], partitions: int, replicas: int, config: Mapping[str, str]) -> None:
        """Make topics, but for those that somebody else makes at the same time."""
        new = [NewTopic(name, partitions, replicas, replica_assignments={}, topic_configs=config) for name in topics]
        async with self._admin() as admin:
            answer = await admin.create_topics(new)
        for name, code, message in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise for_code(code)(f"the topic {name} cannot be made: {message}")

    async def grow(self, topics: Collection[str], partitions: int) -> None:
        """Give topics that have fewer partitions as many."""
        async with self._admin() as admin:
            await admin.create_partitions({name: NewPartitions(partitions) for name in topics})

    async def committed(self, group: str, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where a group goes on in each of these partitions; -1 where it has not committed yet."""
        if not partitions:
            return {}
        async with self._used() as admin:
            found = await admin.list_consumer_group_offsets(group, partitions=list(partitions))
        if len(found) < len(partitions):  # aiokafka does not look at the error that the answer has instead
            raise GroupLoadInProgressError(f"the broker does not know yet where {group} is")
        return {partition: place.offset for partition, place in found.items()}

    async def describe(self) -> tuple[str, int]:
        """The name of the cluster, and how many brokers it has."""
        async with self._admin() as admin:
            described = await admin.describe_cluster()
        return str(described["cluster_id"]), len(described["brokers"])
