"""Ending everything that an account has open."""

from control.database import Connection, announcements, playback_sessions, sessions


async def shut_out(connection: Connection, account_id: str, reason: str, now: float) -> None:
    """End every session of an account, and what it plays; the reason is one sentence for the viewer."""
    await sessions.end_all(connection, account_id)
    playing = [session.session_id for session in await playback_sessions.of_account(connection, account_id)]
    for session_id in playing:
        await playback_sessions.end(connection, session_id)
    await announcements.revoke(connection, playing, reason, now)
