"""Playback sessions as they are stored, and which of them are open: not stopped, and not expired."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from control.database.engine import Connection
from control.database.tables import playback_sessions, subscriptions, titles
from control.playback.session import PlaybackSession
from control.playback.session_states import State

NOT_STOPPED = playback_sessions.c.state != State.STOPPED
MOST_TOLD = 100
"""As many as an account may have open."""


async def add(connection: Connection, session: PlaybackSession) -> None:
    """Record a new playback session."""
    await connection.execute(insert(playback_sessions).values(asdict(session)))


async def save(connection: Connection, sessions: Sequence[PlaybackSession]) -> None:
    """Record what has become of playback sessions."""
    if sessions:
        chosen = playback_sessions.c.session_id == bindparam("key")
        rows = [{**asdict(session), "key": session.session_id} for session in sessions]
        await connection.execute(update(playback_sessions).where(chosen), rows)


async def find(connection: Connection, session_id: str, *, lock: bool = False) -> PlaybackSession | None:
    """A playback session, open or not; with `lock` nobody else changes it before this transaction ends."""
    query = select(playback_sessions).where(playback_sessions.c.session_id == session_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else _made(row)


async def among(
    connection: Connection, session_ids: Sequence[str], now: float, *, lock: bool = False
) -> list[PlaybackSession]:
    """Those of these sessions that are open; with `lock` nobody else changes them before this transaction ends."""
    chosen = _open(now) & playback_sessions.c.session_id.in_(session_ids)
    query = select(playback_sessions).where(chosen).order_by(playback_sessions.c.session_id)
    return await _all(connection, query.with_for_update() if lock else query)


async def of_title(connection: Connection, title_id: str) -> list[PlaybackSession]:
    """The sessions of a title that are not stopped, held."""
    return await _held(connection, playback_sessions.c.title_id == title_id)


async def of_account(connection: Connection, account_id: str) -> list[PlaybackSession]:
    """The sessions of an account that are not stopped, held, in the order in which they were begun."""
    return await _held(connection, playback_sessions.c.account_id == account_id)


async def told(
    connection: Connection, account_id: str, title_ids: Collection[str], most: int = MOST_TOLD
) -> list[PlaybackSession]:
    """Up to `most` sessions of an account and these titles of which it is known where the viewer was, newest first.

    Stopped ones too, for as long as they are kept.
    """
    chosen = (playback_sessions.c.account_id == account_id) & playback_sessions.c.told_at.is_not(None)
    query = select(playback_sessions).where(chosen, playback_sessions.c.title_id.in_(title_ids))
    return await _all(connection, query.order_by(playback_sessions.c.told_at.desc()).limit(most))


async def forget_told(connection: Connection, account_id: str, title_id: str) -> None:
    """Forget of all sessions of an account and a title where their viewers were; their players will tell anew."""
    chosen = (playback_sessions.c.account_id == account_id) & (playback_sessions.c.title_id == title_id)
    ordered = select(playback_sessions.c.session_id).where(chosen, playback_sessions.c.told_at.is_not(None))
    mine = playback_sessions.c.session_id.in_(ordered.order_by(playback_sessions.c.session_id).with_for_update())
    await connection.execute(update(playback_sessions).where(mine).values(told_at=None, sought=False))


async def of_login(connection: Connection, login_id: str) -> list[PlaybackSession]:
    """The sessions begun in a sign-in that are not stopped, held."""
    return await _held(connection, playback_sessions.c.login_id == login_id)


async def expired(connection: Connection, now: float, most: int) -> list[PlaybackSession]:
    """Up to `most` sessions that have expired before anybody stopped them."""
    query = _not_stopped(playback_sessions.c.expires_at <= now).limit(most)
    return await _all(connection, query.with_for_update(skip_locked=True))


async def vanished(connection: Connection, before: float, most: int) -> list[PlaybackSession]:
    """Up to `most` sessions that nobody has told of since a moment, with a turn to tell of: a stretch, or a seek."""
    silent = playback_sessions.c.state.in_((State.PLAYING, State.PAUSED)) & (playback_sessions.c.last_seen_at < before)
    turning = playback_sessions.c.stretch_began_at.is_not(None) | playback_sessions.c.sought
    query = _not_stopped(silent & turning).limit(most)
    return await _all(connection, query.with_for_update(skip_locked=True))


async def reviews(connection: Connection, now: float, most: int) -> list[str]:
    """Up to `most` accounts with sessions that have to be looked at again by now, those in use last first."""
    accounts, last_seen_at = playback_sessions.c.account_id, func.max(playback_sessions.c.last_seen_at)
    query = select(accounts).where(_due(now)).group_by(accounts).order_by(last_seen_at.desc()).limit(most)
    return list(await connection.scalars(query))


async def needs_review(connection: Connection, account_id: str, now: float) -> bool:
    """Whether an account has sessions that have to be looked at again by now."""
    query = select(exists().where(playback_sessions.c.account_id == account_id, _due(now)))
    return bool(await connection.scalar(query))


async def page(
    connection: Connection, before: str, size: int, *, account_id: str | None, now: float
) -> list[tuple[PlaybackSession, str]]:
    """Up to `size` open sessions older than the id `before` (empty: all), newest first, with the names of their titles.

    Of one account, or of all.
    """
    query = _with_names().where(_open(now))
    if before:
        query = query.where(playback_sessions.c.session_id < before)
    if account_id is not None:
        query = query.where(playback_sessions.c.account_id == account_id)
    return await _named(connection, query.order_by(playback_sessions.c.session_id.desc()).limit(size))


async def named(connection: Connection, session_ids: Collection[str]) -> list[tuple[PlaybackSession, str]]:
    """Those of these sessions that there are, stopped ones too, in their order, with the names of their titles."""
    query = _with_names().where(playback_sessions.c.session_id.in_(session_ids))
    return await _named(connection, query.order_by(playback_sessions.c.session_id))


async def seen(connection: Connection, session_ids: Sequence[str], now: float) -> None:
    """Note that these sessions are in use. One that somebody else changes just now is left to them."""
    chosen = playback_sessions.c.session_id.in_(session_ids) & (playback_sessions.c.last_seen_at < now)
    free = select(playback_sessions.c.session_id).where(chosen).with_for_update(skip_locked=True)
    mine = playback_sessions.c.session_id.in_(free)
    await connection.execute(update(playback_sessions).where(mine).values(last_seen_at=now))


async def count(connection: Connection, now: float, used_since: float) -> tuple[int, int]:
    """How many sessions are open, and of how many of them somebody has told since a moment."""
    used = func.count().filter(playback_sessions.c.last_seen_at >= used_since)
    query = select(func.count(), used).where(_open(now))
    sessions, streams = (await connection.execute(query)).one()
    return sessions, streams


async def streams_by_device(connection: Connection, account_id: str, now: float) -> dict[str, int]:
    """How many open sessions an account has on each device."""
    chosen = _open(now) & (playback_sessions.c.account_id == account_id)
    query = select(playback_sessions.c.device_id, func.count()).where(chosen)
    rows = await connection.execute(query.group_by(playback_sessions.c.device_id))
    return {row[0]: row[1] for row in rows}


async def review_subscribers(connection: Connection, now: float) -> None:
    """Have the sessions of all who have a subscription looked at again, since a plan has changed."""
    holders = select(subscriptions.c.account_id).where(subscriptions.c.state != "ended")
    await _review(connection, playback_sessions.c.account_id.in_(holders), now)


async def review_titles(connection: Connection, title_ids: Sequence[str], now: float) -> None:
    """Have the sessions of titles looked at again, since what they need has changed."""
    await _review(connection, playback_sessions.c.title_id.in_(title_ids), now)


async def in_use(connection: Connection, *, since: float, now: float) -> dict[str, int]:
    """How many open sessions of each title were in use since a moment, the most watched title first."""
    of, viewers = playback_sessions.c.title_id, func.count()
    chosen = _open(now) & (playback_sessions.c.last_seen_at >= since)
    query = select(of, viewers).where(chosen).group_by(of).order_by(viewers.desc(), of)
    return dict((await connection.execute(query)).all())


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove the sessions whose URLs have expired, and that are stopped."""
    over = (playback_sessions.c.expires_at <= now) & (playback_sessions.c.state == State.STOPPED)
    await connection.execute(delete(playback_sessions).where(over))


def _open(now: float) -> ColumnElement[bool]:
    return NOT_STOPPED & (playback_sessions.c.expires_at > now)


def _with_names() -> Select[Any]:
    query = select(playback_sessions, titles.c.name.label("title_name"))
    return query.join(titles, titles.c.title_id == playback_sessions.c.title_id)


def _due(now: float) -> ColumnElement[bool]:
    """In the words of an index: there are few such sessions among very many."""
    return playback_sessions.c.state.in_((State.PLAYING, State.PAUSED)) & (playback_sessions.c.review_at <= now)


def _not_stopped(chosen: ColumnElement[bool]) -> Select[Any]:
    return select(playback_sessions).where(NOT_STOPPED, chosen).order_by(playback_sessions.c.session_id)


async def _review(connection: Connection, chosen: ColumnElement[bool], now: float) -> None:
    """In the order in which everybody holds sessions, so that nobody waits in a circle."""
    ordered = _not_stopped(chosen).with_only_columns(playback_sessions.c.session_id).with_for_update()
    mine = playback_sessions.c.session_id.in_(ordered)
    await connection.execute(update(playback_sessions).where(mine).values(review_at=now))


async def _held(connection: Connection, chosen: ColumnElement[bool]) -> list[PlaybackSession]:
    """Sessions that nobody else changes before this transaction ends."""
    return await _all(connection, _not_stopped(chosen).with_for_update())


async def _all(connection: Connection, query: Select[Any]) -> list[PlaybackSession]:
    return [_made(row) for row in (await connection.execute(query)).mappings()]


async def _named(connection: Connection, query: Select[Any]) -> list[tuple[PlaybackSession, str]]:
    return [(_made(row), row["title_name"]) for row in (await connection.execute(query)).mappings()]


def _made(row: RowMapping) -> PlaybackSession:
    values = {column.name: row[column.name] for column in playback_sessions.columns}
    return PlaybackSession(**{**values, "state": State(values["state"])})
