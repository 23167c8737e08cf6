"""Open playback sessions; one that has ended has no row."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select, update

from control.database.engine import Connection
from control.database.tables import playback_sessions


@dataclass(frozen=True, slots=True)
class PlaybackSession:
    """One viewer watching one title on one device. Times are Unix seconds."""

    session_id: str
    title_id: str
    account_id: str
    asset_id: str
    device: str
    started_at: float
    last_seen_at: float
    expires_at: float


async def add(connection: Connection, session: PlaybackSession) -> None:
    """Record a new playback session."""
    await connection.execute(insert(playback_sessions).values(asdict(session)))


async def find(connection: Connection, session_id: str) -> PlaybackSession | None:
    """An open playback session."""
    query = select(playback_sessions).where(playback_sessions.c.session_id == session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else PlaybackSession(**row)


async def among(connection: Connection, session_ids: Sequence[str], now: float) -> list[PlaybackSession]:
    """Those of these sessions that are open."""
    chosen = playback_sessions.c.session_id.in_(session_ids) & (playback_sessions.c.expires_at > now)
    rows = await connection.execute(select(playback_sessions).where(chosen))
    return [PlaybackSession(**row) for row in rows.mappings()]


async def of_title(connection: Connection, title_id: str) -> list[PlaybackSession]:
    """The open playback sessions of a title."""
    rows = await connection.execute(select(playback_sessions).where(playback_sessions.c.title_id == title_id))
    return [PlaybackSession(**row) for row in rows.mappings()]


async def of_account(connection: Connection, account_id: str) -> list[PlaybackSession]:
    """The playback sessions of an account."""
    rows = await connection.execute(select(playback_sessions).where(playback_sessions.c.account_id == account_id))
    return [PlaybackSession(**row) for row in rows.mappings()]


async def page(
    connection: Connection, before: str, size: int, *, account_id: str | None, now: float
) -> list[PlaybackSession]:
    """Up to `size` open sessions older than the id `before` (empty: all), newest first; of one account, or of all."""
    query = select(playback_sessions).where(playback_sessions.c.expires_at > now)
    if before:
        query = query.where(playback_sessions.c.session_id < before)
    if account_id is not None:
        query = query.where(playback_sessions.c.account_id == account_id)
    rows = await connection.execute(query.order_by(playback_sessions.c.session_id.desc()).limit(size))
    return [PlaybackSession(**row) for row in rows.mappings()]


async def unused_longest(connection: Connection, account_id: str, keep: int) -> list[str]:
    """The ids of all sessions of an account but the `keep` that were in use last."""
    query = select(playback_sessions.c.session_id).where(playback_sessions.c.account_id == account_id)
    latest_first = query.order_by(playback_sessions.c.last_seen_at.desc(), playback_sessions.c.session_id.desc())
    return list((await connection.scalars(latest_first.offset(keep))).all())


async def seen(connection: Connection, session_ids: Sequence[str], now: float) -> None:
    """Note that these sessions are in use."""
    chosen = playback_sessions.c.session_id.in_(session_ids)
    await connection.execute(update(playback_sessions).where(chosen).values(last_seen_at=now))


async def end(connection: Connection, session_id: str) -> None:
    """End a playback session."""
    await connection.execute(delete(playback_sessions).where(playback_sessions.c.session_id == session_id))


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove the sessions whose URLs have expired."""
    await connection.execute(delete(playback_sessions).where(playback_sessions.c.expires_at <= now))
