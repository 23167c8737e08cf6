"""The cluster: how it is reached, what its errors mean to us, and what an administrator can do on it."""

import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from matinee.errors import InvalidInput, Unavailable
from matinee.settings import EventSettings

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
            context.load_cert_chain(settings.certificate_file, settings.key_file or None)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInput(f"the certificates in [events] cannot be used: {error}") from error
    return context


@contextmanager
def translated() -> Iterator[None]:
    """Whatever keeps Kafka from doing what it should is `Unavailable`: the same may succeed later."""
    try:
        yield
    except (KafkaError, TimeoutError) as error:
        unreached = isinstance(error, KafkaConnectionError)  # whose own words are of Python
        reason = "no broker can be reached, or none lets us in" if unreached else str(error) or type(error).__name__
        raise Unavailable(f"Kafka is not available ({reason}); try again") from error


class Cluster:
    """What an administrator asks of the cluster. Its methods raise errors of aiokafka."""

    def __init__(self, access: Mapping[str, Any]) -> None:
        self._access = access

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**self._access, request_timeout_ms=int(1_000 * ADMIN_SECONDS))
        try:
            await admin.start()
            if not (await admin.describe_cluster())["brokers"]:  # aiokafka would fail at a controller that is None
                raise KafkaConnectionError("the broker has just been started")
            yield admin
        finally:
            await admin.close()

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

    async def describe(self) -> tuple[str, int]:
        """The name of the cluster, and how many brokers it has."""
        async with self._admin() as admin:
            described = await admin.describe_cluster()
        return str(described["cluster_id"]), len(described["brokers"])
