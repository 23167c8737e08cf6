"""What every control must tell at once, to edges or to pages, in the order of writing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, func, insert, select

from control.database.engine import Connection
from control.database.tables import announcements


class Kind(StrEnum):
    """What an announcement is about."""

    ENDED = "ended"
    CHANGED = "changed"
    """What a playback session may be served has changed."""
    KEY = "key"
    SOUGHT = "sought"
    """A playback session has gone to another position."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """The playback session `session_id` has ended, and why, or has changed or gone elsewhere; or there is a new key."""

    announcement_id: int
    kind: Kind
    session_id: str
    reason: str


async def revoke(connection: Connection, session_ids: Iterable[str], reason: str, now: float) -> None:
    """Announce that playback sessions have ended; the reason is one sentence for the viewer."""
    await _announce(connection, Kind.ENDED, session_ids, reason[:200], now)


async def announce_change(connection: Connection, session_ids: Iterable[str], now: float) -> None:
    """Announce that the grants of playback sessions have changed."""
    await _announce(connection, Kind.CHANGED, session_ids, "", now)


async def announce_seek(connection: Connection, session_id: str, now: float) -> None:
    """Announce that a playback session has gone to another position."""
    await _announce(connection, Kind.SOUGHT, [session_id], "", now)


async def announce_key(connection: Connection, now: float) -> None:
    """Announce a new signing key."""
    await _announce(connection, Kind.KEY, [""], "", now)


async def newest(connection: Connection) -> int:
    """The id of the newest announcement; 0 when there is none."""
    return int(await connection.scalar(select(func.max(announcements.c.announcement_id))) or 0)


async def later_than(connection: Connection, announcement_id: int) -> list[Announcement]:
    """The announcements with a higher id."""
    columns = [announcements.c[name] for name in ("announcement_id", "kind", "session_id", "reason")]
    query = select(*columns).where(announcements.c.announcement_id > announcement_id)
    rows = await connection.execute(query.order_by(announcements.c.announcement_id))
    return [Announcement(**{**row, "kind": Kind(row["kind"])}) for row in rows.mappings()]


async def forget(connection: Connection, before: float) -> None:
    """Remove the announcements made before a moment."""
    await connection.execute(delete(announcements).where(announcements.c.created_at < before))


async def _announce(connection: Connection, kind: Kind, session_ids: Iterable[str], reason: str, now: float) -> None:
    rows = [{"kind": kind, "session_id": one, "reason": reason, "created_at": now} for one in session_ids]
    if rows:
        await connection.execute(insert(announcements), rows)
