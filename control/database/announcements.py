"""What every control must tell at once, to edges or to pages, in the order of writing."""

from collections.abc import Collection, Iterable
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
    ACCOUNT = "account"
    """A sign-in of an account has ended, a device of it was removed, or a title that it has begun was deleted."""
    WITHDRAWN = "withdrawn"
    """A title is shown to viewers no more."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What has happened to the playback session, account or title `subject_id`; or, of nothing, a new key.

    `reason` and `cause` say why a playback session has ended, to its viewer and to their player.
    """

    announcement_id: int
    kind: Kind
    subject_id: str
    reason: str
    cause: str


async def revoke(
    connection: Connection, session_ids: Iterable[str], reason: str, now: float, *, cause: str = ""
) -> None:
    """Announce that playback sessions have ended; the reason is one sentence for the viewer, the cause a `Cause`."""
    await _announce(connection, Kind.ENDED, session_ids, now, reason=reason[:200], cause=cause)


async def announce_change(connection: Connection, session_ids: Iterable[str], now: float) -> None:
    """Announce that the grants of playback sessions have changed."""
    await _announce(connection, Kind.CHANGED, session_ids, now)


async def announce_seek(connection: Connection, session_id: str, now: float) -> None:
    """Announce that a playback session has gone to another position."""
    await _announce(connection, Kind.SOUGHT, [session_id], now)


async def announce_account(connection: Connection, account_id: str, now: float) -> None:
    """Announce that an account has lost a sign-in, a device, or a title that it has begun."""
    await _announce(connection, Kind.ACCOUNT, [account_id], now)


async def announce_withdrawal(connection: Connection, title_ids: Iterable[str], now: float) -> None:
    """Announce that titles are shown to viewers no more."""
    await _announce(connection, Kind.WITHDRAWN, title_ids, now)


async def announce_key(connection: Connection, now: float) -> None:
    """Announce a new signing key."""
    await _announce(connection, Kind.KEY, [""], now)


async def newest(connection: Connection) -> int:
    """The id of the newest announcement; 0 when there is none."""
    return int(await connection.scalar(select(func.max(announcements.c.announcement_id))) or 0)


async def later_than(connection: Connection, announcement_id: int) -> list[Announcement]:
    """The announcements with a higher id."""
    columns = [announcements.c[name] for name in ("announcement_id", "kind", "subject_id", "reason", "cause")]
    query = select(*columns).where(announcements.c.announcement_id > announcement_id)
    rows = await connection.execute(query.order_by(announcements.c.announcement_id))
    return [Announcement(**{**row, "kind": Kind(row["kind"])}) for row in rows.mappings()]


async def reasons(connection: Connection, session_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """The reason and the cause for which these playback sessions have ended.

    Nothing of one that goes on, or whose end was announced long ago.
    """
    table = announcements.c
    chosen = (table.kind == Kind.ENDED) & table.subject_id.in_(session_ids)
    rows = await connection.execute(select(table.subject_id, table.reason, table.cause).where(chosen))
    return {session_id: (reason, cause) for session_id, reason, cause in rows}


async def forget(connection: Connection, before: float) -> None:
    """Remove the announcements made before a moment."""
    await connection.execute(delete(announcements).where(announcements.c.created_at < before))


async def _announce(
    connection: Connection, kind: Kind, subject_ids: Iterable[str], now: float, *, reason: str = "", cause: str = ""
) -> None:
    said = {"kind": kind, "reason": reason, "cause": cause, "created_at": now}
    if rows := [said | {"subject_id": one} for one in subject_ids]:
        await connection.execute(insert(announcements), rows)
