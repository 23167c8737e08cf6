"""Which consumer group has done which event, so that an event takes effect once."""

from collections.abc import Sequence

from sqlalchemy import delete

from control.database import upsert
from control.database.engine import Connection
from control.database.tables import handled_events


async def note(connection: Connection, group: str, event_ids: Sequence[str], now: float) -> set[str]:
    """Note events as done by a group, in the transaction of what is done; answer with those that were not before."""
    if not event_ids:
        return set()
    rows = [{"consumer_group": group, "event_id": one, "handled_at": now} for one in sorted(set(event_ids))]
    noted = upsert.insert(connection, handled_events).values(rows).on_conflict_do_nothing()
    return set(await connection.scalars(noted.returning(handled_events.c.event_id)))


async def forget(connection: Connection, before: float) -> None:
    """Remove what was done before a moment: the bus must have forgotten those events."""
    await connection.execute(delete(handled_events).where(handled_events.c.handled_at < before))


async def forget_group(connection: Connection, group: str) -> None:
    """Let a group do again whatever it is shown."""
    await connection.execute(delete(handled_events).where(handled_events.c.consumer_group == group))
