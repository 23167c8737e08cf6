"""Where an account goes on with its titles: where its newest playback session of each stands, or else its history.

The history hears of a stretch when that has ended, and by an event, a moment later. Until then the session itself knows
more, be it that it plays on beside, stands still, was just ended, or has vanished and nobody has noticed yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from control.analytics.history import at_end
from control.database import Connection, history, playback_sessions
from control.database.history import Entry
from control.database.titles import Title
from control.playback.session import PlaybackSession


async def resume_point(connection: Connection, account_id: str, title: Title, now: float) -> float:
    """Where an account goes on with a title, in seconds; 0 when it never began it or has finished it."""
    entry = await history.find(connection, account_id, title.title_id) or Entry(account_id, title.title_id)
    (followed,) = await followed_up(connection, account_id, [entry], now)
    return history.within(followed.position_seconds, title.duration_seconds)


async def followed_up(connection: Connection, account_id: str, entries: Collection[Entry], now: float) -> list[Entry]:
    """Entries of the history of an account, with the resume points that its playback sessions have by now."""
    told = await playback_sessions.told(connection, account_id, [entry.title_id for entry in entries])
    latest = newest(told)
    return [following(entry, latest.get(entry.title_id), now) for entry in entries]


def newest(sessions: Iterable[PlaybackSession]) -> dict[str, PlaybackSession]:
    """By title, the session of which it is known up to the latest moment where its viewer was."""
    known = ((each.known_at, each.session_id, each) for each in sessions if each.known_at is not None)
    return {each.title_id: each for *_, each in sorted(known, key=lambda one: one[:2])}


def following(entry: Entry, session: PlaybackSession | None, now: float) -> Entry:
    """The entry with the resume point that a session of its title has by now, if that is newer."""
    if session is None or session.known_at is None or session.known_at <= entry.told_at:
        return entry
    here = session.standing(now)
    return replace(entry, position_seconds=0.0 if at_end(here, session.duration_seconds) else here)
