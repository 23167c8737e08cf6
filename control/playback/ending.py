"""How playback sessions end, whoever ends them: their stretches are closed, and every edge hears of it."""

from collections.abc import Iterable, Sequence

from control import messages
from control.database import Connection, announcements, outbox, playback_sessions, titles
from control.playback.session import Began, Ended, PlaybackSession, Turn, cut_off
from matinee.tokens import Clock
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

SIGNED_OUT = "the session in which this was begun has ended; sign in again"


async def end_sessions(connection: Connection, sessions: Iterable[PlaybackSession], reason: str, clock: Clock) -> None:
    """End sessions that are not stopped; `reason` is one sentence for the viewer. Wake the announcer afterwards."""
    ended = [cut_off(session) for session in sessions]
    await keep_all(connection, ended, clock)
    await announcements.revoke(connection, [session.session_id for session, _ in ended], reason, clock())


async def end_of_account(connection: Connection, account_id: str, reason: str, clock: Clock) -> None:
    """End all that an account plays."""
    await end_sessions(connection, await playback_sessions.of_account(connection, account_id), reason, clock)


async def end_of_login(connection: Connection, login_id: str, reason: str, clock: Clock) -> None:
    """End all that was begun in a sign-in."""
    await end_sessions(connection, await playback_sessions.of_login(connection, login_id), reason, clock)


async def end_of_title(connection: Connection, title_id: str, reason: str, clock: Clock) -> None:
    """End all playback of a title."""
    await end_sessions(connection, await playback_sessions.of_title(connection, title_id), reason, clock)


async def keep_all(
    connection: Connection, changes: Sequence[tuple[PlaybackSession, Sequence[Turn]]], clock: Clock
) -> None:
    """Record what has become of sessions, with an event for each turn of their stretches."""
    await playback_sessions.save(connection, [session for session, _ in changes])
    events = [
        _played(session, turn) if isinstance(turn, Began) else await _paused(connection, session, turn)
        for session, turns in changes
        for turn in turns
    ]
    await outbox.record_all(connection, events, clock)


def _played(session: PlaybackSession, turn: Began) -> MoviePlayed:
    return MoviePlayed(
        account_id=session.account_id,
        title_id=session.title_id,
        asset_id=session.asset_id,
        session_id=session.session_id,
        device_id=session.device_id,
        position_seconds=turn.position_seconds,
        started=turn.first,
        time=messages.timestamp(turn.time),
    )


async def _paused(connection: Connection, session: PlaybackSession, turn: Ended) -> MoviePaused:
    title = await titles.find(connection, session.title_id)
    return MoviePaused(
        account_id=session.account_id,
        title_id=session.title_id,
        asset_id=session.asset_id,
        session_id=session.session_id,
        position_seconds=turn.position_seconds,
        duration_seconds=0.0 if title is None else title.duration_seconds,
        watched_seconds=turn.watched_seconds,
        stopped=turn.stopped,
        time=messages.timestamp(turn.time),
    )
