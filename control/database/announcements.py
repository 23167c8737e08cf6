"""What every edge must hear at once, in the order of writing."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from control.database.engine import Connection
from control.database.tables import announcements


@dataclass(frozen=True, slots=True)
class Announcement:
    """The playback session `session_id` has ended, and why; without a session: there is a new signing key."""

    announcement_id: int
    session_id: str
    reason: str


async def revoke(connection: Connection, session_ids: Iterable[str], reason: str, now: float) -> None:
    """Announce that playback sessions have ended; the reason is one sentence for the viewer."""
    rows = [{"session_id": session_id, "reason": reason, "created_at": now} for session_id in session_ids]
    if rows:
        await connection.execute(insert(announcements), rows)


async def announce_key(connection: Connection, now: float) -> None:
    """Announce a new signing key."""
    await connection.execute(insert(announcements).values(session_id="", reason="", created_at=now))


async def newest(connection: Connection) -> int:
    """The id of the newest announcement; 0 when there is none."""
    return int(await connection.scalar(select(func.max(announcements.c.announcement_id))) or 0)


async def later_than(connection: Connection, announcement_id: int) -> list[Announcement]:
    """The announcements with a higher id."""
    query = (
        select(announcements.c.announcement_id, announcements.c.session_id, announcements.c.reason)
        .where(announcements.c.announcement_id > announcement_id)
        .order_by(announcements.c.announcement_id)
    )
    return [Announcement(**row) for row in (await connection.execute(query)).mappings()]


async def forget(connection: Connection, before: float) -> None:
    """Remove the announcements made before a moment."""
    await connection.execute(delete(announcements).where(announcements.c.created_at < before))
