"""The transactional outbox: an event is written with the change that causes it, and sent afterwards."""

from collections.abc import Collection, Sequence
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import delete, func, insert, select

from control import event_data
from control.database.engine import Connection
from control.database.tables import outbox
from control.identifiers import new_id
from matinee.bus import Event
from matinee.tokens import Clock
from protos.v1 import events_pb2


async def record(connection: Connection, message: Message, clock: Clock) -> None:
    """Note an event of `protos/v1/events.proto` in the transaction of its cause; its contract names topic and key."""
    await record_all(connection, [message], clock)


async def record_all(connection: Connection, messages: Sequence[Message], clock: Clock) -> None:
    """Note many events of one transaction, in their order."""
    if messages:
        await connection.execute(insert(outbox), [_row(message, clock) for message in messages])


async def oldest(connection: Connection, most: int) -> list[Event]:
    """The events that have waited for longest, in the order of their causes."""
    columns = (outbox.c.event_id, outbox.c.topic, outbox.c.key, outbox.c.time, outbox.c.data)
    rows = await connection.execute(select(*columns).order_by(outbox.c.position).limit(most))
    return [Event(**row) for row in rows.mappings()]


async def sent(connection: Connection, event_ids: Collection[str]) -> None:
    """Forget events that the bus has."""
    await connection.execute(delete(outbox).where(outbox.c.event_id.in_(event_ids)))


async def waiting(connection: Connection) -> tuple[int, float | None]:
    """How many events wait, and when the oldest of them happened (Unix seconds)."""
    count, oldest_time = (await connection.execute(select(func.count(), func.min(outbox.c.time)))).one()
    return count, oldest_time


def _row(message: Message, clock: Clock) -> dict[str, Any]:
    options = message.DESCRIPTOR.GetOptions().Extensions
    return {
        "event_id": new_id(clock),
        "topic": options[events_pb2.topic],
        "key": getattr(message, options[events_pb2.key]),
        "time": clock(),
        "data": event_data.encoded(message),
    }
