"""Titles that are published, or have a new version, and have not been announced: viewers do not see them yet."""

from sqlalchemy import delete, insert, select

from control.database.engine import Connection
from control.database.tables import premieres, titles
from control.database.titles import COLUMNS, Title, made, visible


async def put_off(connection: Connection, title_id: str) -> None:
    """Have a title announced when viewers see it."""
    await cancel(connection, title_id)
    await connection.execute(insert(premieres).values(title_id=title_id))


async def cancel(connection: Connection, title_id: str) -> None:
    """Have a title not announced any more, because it has been, or was hidden."""
    await connection.execute(delete(premieres).where(premieres.c.title_id == title_id))


async def due(connection: Connection, now: float, most: int) -> list[Title]:
    """Up to `most` titles that viewers see by now; nobody else announces them before this transaction ends."""
    query = select(*COLUMNS).join(premieres, premieres.c.title_id == titles.c.title_id).where(visible(now))
    rows = await connection.execute(query.limit(most).with_for_update(skip_locked=True))
    return [made(found) for found in rows.mappings()]
