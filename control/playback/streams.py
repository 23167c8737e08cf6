"""How many streams an account has, and which of them make room for another. Pure."""

from collections.abc import Sequence

from control.playback.session import PlaybackSession
from matinee.errors import ResourceExhausted

DERIVED = "~"
"""What the id of a device begins with that has told only its name, and may be several."""
MOST_SESSIONS = 100
"""Most open sessions of one account: a family with every film that it began half a day ago, but no crowd."""


def in_use(sessions: Sequence[PlaybackSession], now: float, idle: float) -> list[PlaybackSession]:
    """Those of the sessions that count as streams: somebody has told of them lately."""
    return [session for session in sessions if session.expires_at > now and not session.idle(now, idle)]


def room_makers(
    session: PlaybackSession, streams: Sequence[PlaybackSession], limit: int, *, take_over: bool
) -> list[PlaybackSession]:
    """Which of an account's other streams end so that `session` is not one too many; `limit` 0 is none.

    Those on the same device go first, since its viewer has left them; others only to be taken over, the one begun
    first before the rest. Raises `ResourceExhausted` when that is not enough.
    """
    others = [stream for stream in streams if stream.session_id != session.session_id]
    surplus = len(others) + 1 - limit if limit else 0
    if surplus <= 0:
        return []
    left = [stream for stream in others if stream.device_id == session.device_id and _told(session)]
    rest = [stream for stream in others if stream not in left] if take_over else []
    ending = [*left, *rest][:surplus]
    if len(ending) < surplus:
        raise ResourceExhausted(_too_many(others, limit))
    return ending


def crowd(sessions: Sequence[PlaybackSession]) -> list[PlaybackSession]:
    """The sessions that have been out of use for longest, as many as leave no place for another."""
    latest_first = sorted(sessions, key=lambda session: (session.last_seen_at, session.session_id), reverse=True)
    return latest_first[MOST_SESSIONS - 1 :]


def _told(session: PlaybackSession) -> bool:
    return not session.device_id.startswith(DERIVED)


def _too_many(others: Sequence[PlaybackSession], limit: int) -> str:
    names = ", ".join(sorted({f"'{stream.device}'" if stream.device else "another device" for stream in others}))
    most = "one stream" if limit == 1 else f"{limit} streams"
    return f"your account may play {most} at a time, and is playing on {names}: stop it there first"
