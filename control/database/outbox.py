"""The transactional outbox: an event is written with the change that causes it, and sent afterwards."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import bindparam, delete, func, insert, select, update

from control import event_data
from control.database.engine import Connection
from control.database.tables import outbox
from control.identifiers import new_id
from matinee.bus import Event
from matinee.tokens import Clock
from protos.v1 import events_pb2

LONGEST_REASON = 500


async def record(connection: Connection, message: Message, clock: Clock) -> None:
    """Note an event of `protos/v1/events.proto` in the transaction of its cause; its contract names topic and key."""
    await record_all(connection, [message], clock)


async def record_all(connection: Connection, messages: Sequence[Message], clock: Clock) -> None:
    """Note many events of one transaction, in their order."""
    if messages:
        await connection.execute(insert(outbox), [_row(message, clock) for message in messages])


async def oldest(connection: Connection, most: int, without: Collection[str] = ()) -> list[Event]:
    """The events that have waited for longest, in the order of their causes, but for those of some topics."""
    columns = (outbox.c.event_id, outbox.c.topic, outbox.c.key, outbox.c.time, outbox.c.data)
    waits = outbox.c.refusal.is_(None) & outbox.c.topic.not_in(without)
    rows = await connection.execute(select(*columns).where(waits).order_by(outbox.c.position).limit(most))
    return [Event(**row) for row in rows.mappings()]


async def sent(connection: Connection, event_ids: Collection[str]) -> None:
    """Forget events that the bus has."""
    await connection.execute(delete(outbox).where(outbox.c.event_id.in_(event_ids)))


async def refuse(connection: Connection, reasons: Mapping[str, str]) -> None:
    """Note why the bus will not have events, by their ids; they wait no longer."""
    noted = update(outbox).where(outbox.c.event_id == bindparam("refused")).values(refusal=bindparam("reason"))
    rows = [{"refused": event_id, "reason": reason[:LONGEST_REASON]} for event_id, reason in reasons.items()]
    if rows:
        await connection.execute(noted, rows)


async def offer_again(connection: Connection) -> None:
    """Let those wait again that the bus has refused."""
    await connection.execute(update(outbox).where(outbox.c.refusal.is_not(None)).values(refusal=None))


async def refused(connection: Connection) -> Mapping[str, tuple[int, str]]:
    """How many events of each topic the bus has refused, and one of the reasons."""
    columns = (outbox.c.topic, func.count(), func.max(outbox.c.refusal))
    rows = await connection.execute(
        select(*columns).where(outbox.c.refusal.is_not(None)).group_by(outbox.c.topic).order_by(outbox.c.topic)
    )
    return {topic: (count, reason) for topic, count, reason in rows}


async def forget_refused(connection: Connection, before: float) -> None:
    """Remove those that were refused and happened before a moment."""
    await connection.execute(delete(outbox).where(outbox.c.refusal.is_not(None), outbox.c.time < before))


async def waiting(connection: Connection) -> tuple[int, float | None]:
    """How many events wait, and when the oldest of them happened (Unix seconds)."""
    columns = (func.count(), func.min(outbox.c.time))
    count, oldest_time = (await connection.execute(select(*columns).where(outbox.c.refusal.is_(None)))).one()
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
