"""Which consumer group has done which event, so that an event takes effect once."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from control.database.engine import Connection
from control.database.tables import handled_events


async def note(connection: Connection, group: str, event_ids: Sequence[str], now: float) -> set[str]:
    """Note events as done by a group, in the transaction of what is done; answer with those that were not before."""
    known = select(handled_events.c.event_id).where(
        handled_events.c.consumer_group == group, handled_events.c.event_id.in_(event_ids)
    )
    fresh = set(event_ids) - set(await connection.scalars(known))
    if fresh:
        rows = [{"consumer_group": group, "event_id": event_id, "handled_at": now} for event_id in fresh]
        await connection.execute(insert(handled_events), rows)
    return fresh


async def forget(connection: Connection, before: float) -> None:
    """Remove what was done before a moment: the bus must have forgotten those events."""
    await connection.execute(delete(handled_events).where(handled_events.c.handled_at < before))


async def forget_group(connection: Connection, group: str) -> None:
    """Let a group do again whatever it is shown."""
    await connection.execute(delete(handled_events).where(handled_events.c.consumer_group == group))
