"""Ending what an account has open: all of it, or what was begun in some of its sign-ins."""

from control.database import Connection, announcements, playback_sessions, sessions
from control.playback.ending import end_of_account, end_sessions
from matinee.errors import Cause
from matinee.tokens import Clock


async def shut_out(connection: Connection, account_id: str, reason: str, clock: Clock) -> None:
    """End every session of an account, and what it plays; the reason is one sentence for the viewer."""
    await sessions.end_all(connection, account_id)
    await announcements.announce_account(connection, account_id, clock())
    await end_of_account(connection, account_id, reason, clock)


async def shut_out_others(connection: Connection, account_id: str, session_id: str, reason: str, clock: Clock) -> None:
    """The same, but for one session and what was begun in it."""
    await sessions.end_all(connection, account_id, but=[session_id])
    await announcements.announce_account(connection, account_id, clock())
    playing = await playback_sessions.of_account(connection, account_id)
    others = [one for one in playing if one.login_id != session_id]
    await end_sessions(connection, others, reason, clock, cause=Cause.SIGNED_OUT)
