"""Objects that no title needs: noted in the transaction that gives them up, removed from the store after it."""

from collections.abc import Iterable

from sqlalchemy import delete, select

from control.database import upsert
from control.database.engine import Connection
from control.database.tables import removals


async def note(connection: Connection, prefixes: Iterable[str], now: float) -> None:
    """Note prefixes whose objects shall be removed."""
    rows = [{"prefix": prefix, "created_at": now} for prefix in sorted(set(prefixes))]
    if rows:
        noted = upsert.insert(connection, removals)
        await connection.execute(noted.on_conflict_do_update(index_elements=["prefix"], set_={"created_at": now}), rows)


async def pending(connection: Connection) -> list[str]:
    """The prefixes that were noted, oldest first."""
    return list(await connection.scalars(select(removals.c.prefix).order_by(removals.c.created_at)))


async def is_pending(connection: Connection, prefix: str) -> bool:
    """Whether a prefix was noted and its objects may still be there."""
    return await connection.scalar(select(removals.c.prefix).where(removals.c.prefix == prefix)) is not None


async def done(connection: Connection, prefix: str) -> None:
    """Forget a prefix whose objects are gone."""
    await connection.execute(delete(removals).where(removals.c.prefix == prefix))
