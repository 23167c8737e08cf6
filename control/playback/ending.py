"""How playback sessions end, whoever ends them: their stretches are closed, and every edge hears of it."""

from collections.abc import Collection, Iterable, Sequence

from control.database import Connection, announcements, outbox, playback_sessions
from control.playback.session import Began, Ended, Left, PlaybackSession, Turn, cut_off
from control.playback.session_states import ENDED
from control.timestamps import timestamp
from matinee.errors import Cause, MatineeError, PermissionDenied
from matinee.tokens import Clock
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

SIGNED_OUT = "the session in which this was begun has ended; sign in again"


async def end_sessions(
    connection: Connection, sessions: Iterable[PlaybackSession], reason: str, clock: Clock, *, cause: str = ""
) -> None:
    """End sessions that are not stopped; `reason` is one sentence for the viewer, and `cause` the name of a `Cause`.

    Wake the announcer afterwards.
    """
    ended = [cut_off(session) for session in sessions]
    await keep_all(connection, ended, clock)
    await announcements.revoke(connection, [session.session_id for session, _ in ended], reason, clock(), cause=cause)


async def end_of_account(connection: Connection, account_id: str, reason: str, clock: Clock) -> None:
    """End all that an account plays, which is signed out."""
    playing = await playback_sessions.of_account(connection, account_id)
    await end_sessions(connection, playing, reason, clock, cause=Cause.SIGNED_OUT)


async def end_of_login(connection: Connection, login_id: str, reason: str, clock: Clock) -> None:
    """End all that was begun in a sign-in."""
    playing = await playback_sessions.of_login(connection, login_id)
    await end_sessions(connection, playing, reason, clock, cause=Cause.SIGNED_OUT)


async def refusals_of_ended(connection: Connection, session_ids: Collection[str]) -> dict[str, MatineeError]:
    """Why each of these sessions, which have ended, may not go on: for a while it is known, whoever ended it."""
    known = await announcements.reasons(connection, session_ids)
    why = {session_id: known.get(session_id, (ENDED, "")) for session_id in session_ids}
    return {session_id: PermissionDenied(reason, cause=cause) for session_id, (reason, cause) in why.items()}


async def keep_all(
    connection: Connection, changes: Sequence[tuple[PlaybackSession, Sequence[Turn]]], clock: Clock
) -> None:
    """Record what has become of sessions, with an event for each turn of their stretches.

    An end says how long the version is that was watched: the title may have come to another one.
    """
    await playback_sessions.save(connection, [session for session, _ in changes])
    events = [_event(session, turn) for session, turns in changes for turn in turns]
    await outbox.record_all(connection, events, clock)


def _event(session: PlaybackSession, turn: Turn) -> MoviePlayed | MoviePaused:
    match turn:
        case Began():
            return _played(session, turn)
        case Ended():
            return _paused(session, turn, watched_seconds=turn.watched_seconds, sought=turn.sought)
        case Left():
            return _paused(session, turn, watched_seconds=0.0, sought=True)


def _played(session: PlaybackSession, turn: Began) -> MoviePlayed:
    return MoviePlayed(
        account_id=session.account_id,
        title_id=session.title_id,
        asset_id=session.asset_id,
        session_id=session.session_id,
        device_id=session.device_id,
        position_seconds=turn.position_seconds,
        started=turn.first,
        time=timestamp(turn.time),
    )


def _paused(session: PlaybackSession, turn: Ended | Left, *, watched_seconds: float, sought: bool) -> MoviePaused:
    return MoviePaused(
        account_id=session.account_id,
        title_id=session.title_id,
        asset_id=session.asset_id,
        session_id=session.session_id,
        position_seconds=turn.position_seconds,
        duration_seconds=session.duration_seconds,
        watched_seconds=watched_seconds,
        stopped=turn.stopped,
        sought=sought,
        time=timestamp(turn.time),
    )
