"""How clients of aiokafka are stopped when the broker may not answer.

Their own ways wait for it, or stop half-way at an error of before. So this reaches for what is private to them, and is
the only module that does; `tests/contract/test_kafka_shutdown.py` notices when aiokafka calls it otherwise.
"""
# ruff: noqa: SLF001

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaClient, AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

CLOSE_SECONDS = 2.0


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close the connections; a broker that is away is not waited for."""
    await _closed(consumer.stop())
    for part in filter(None, (consumer._coordinator, consumer._fetcher)):
        for task in vars(part).values():
            if isinstance(task, asyncio.Task):
                task.cancel()  # where its own stop was interrupted, it would go on for ever
    await _disconnected(consumer._client)


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Close the connections. Its own `stop` would wait until the broker has what nobody waits for any more."""
    await _closed(producer._sender.close())
    await _disconnected(producer.client)
    producer._closed = True  # or it complains of not having been stopped


async def stop_administrator(administrator: AIOKafkaAdminClient) -> None:
    """Close the connections; a broker that is away is not waited for."""
    await _closed(administrator.close())


async def _closed(closing: Coroutine[Any, Any, None]) -> None:
    """Let something of aiokafka close, whatever comes of it; a broker that does not answer is not waited for.

    It has a task of its own: aiokafka awaits tasks that it has cancelled, and so ends as if its caller had been.
    """
    task = asyncio.create_task(closing)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([task], timeout=CLOSE_SECONDS)
    task.cancel()


async def _disconnected(client: AIOKafkaClient) -> None:
    """Close the connections of a client, whose own `close` stops at the error its task has ended by."""
    if client._sync_task and client._sync_task.done():
        client._sync_task = None
    await _closed(client.close())
