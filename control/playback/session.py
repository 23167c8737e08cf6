"""A playback session and its stretches of playing: pure functions from a session to the one that follows.

A stretch begins with the first sign of life while the session is PLAYING: a report, a resume, a seek, or an edge that
has served it. It ends when the session is paused or stopped; or at its last sign of life, when none came for
`idle` seconds: then the player has vanished, and the next sign begins another stretch. So each stretch has one
beginning and one end, and what was watched is the time between its first sign of life and its last.
"""

from dataclasses import dataclass, replace

from control.playback.session_states import Event, State, after

LEAVING = frozenset({Event.PAUSE, Event.STOP})
"""What brings no session back into use that nobody had told of for long."""


@dataclass(frozen=True, slots=True)
class PlaybackSession:
    """One viewer watching one title on one device. Times are Unix seconds, the position is in seconds."""

    session_id: str
    title_id: str
    account_id: str
    asset_id: str
    device: str
    started_at: float
    last_seen_at: float
    expires_at: float
    device_id: str = ""
    login_id: str = ""
    """The sign-in in which it was begun; it ends with that."""
    max_height: int = 0
    review_at: float | None = None
    """When what the account may watch has to be looked at again."""
    state: State = State.PLAYING
    position_seconds: float = 0.0
    stretch_began_at: float | None = None
    played: bool = False
    """Whether a stretch has begun."""

    def idle(self, now: float, seconds: float) -> bool:
        """Whether nobody has told of it for more than so many seconds."""
        return now - self.last_seen_at > seconds


@dataclass(frozen=True, slots=True)
class Began:
    """A stretch began; `first` of its session or not."""

    position_seconds: float
    first: bool
    time: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A stretch ended after `watched_seconds` of the viewer's time; with its session if `stopped`."""

    position_seconds: float
    watched_seconds: float
    stopped: bool
    time: float


Turn = Began | Ended


def moved(
    session: PlaybackSession, event: Event, now: float, *, idle: float, position: float | None = None
) -> tuple[PlaybackSession, list[Turn]]:
    """The session after something that is a sign of its player's life, and the turns of its stretches.

    Raises `Conflict` for what cannot happen to it any more.
    """
    state = after(session.state, event)
    if session.state is State.STOPPED:
        return session, []
    now = max(now, session.last_seen_at)
    was_gone = session.idle(now, idle) and event in LEAVING
    session, turns = lapsed(session, now, idle=idle, stopped=state is State.STOPPED)
    here = session.position_seconds if position is None else position
    seen = session.last_seen_at if was_gone else now
    session = replace(session, state=state, last_seen_at=seen, position_seconds=here)
    if state is State.PLAYING and session.stretch_began_at is None:
        turns.append(Began(here, not session.played, now))
        session = replace(session, stretch_began_at=now, played=True)
    elif state is not State.PLAYING:
        session, ends = _closed(session, stopped=state is State.STOPPED)
        turns += ends
    return session, turns


def lapsed(
    session: PlaybackSession, now: float, *, idle: float, stopped: bool = False
) -> tuple[PlaybackSession, list[Turn]]:
    """The session after time alone: without a sign of life for `idle` seconds its stretch has ended."""
    return _closed(session, stopped=stopped) if session.idle(now, idle) else (session, [])


def cut_off(session: PlaybackSession) -> tuple[PlaybackSession, list[Turn]]:
    """The session ended by somebody else than its player: its stretch ends at the last sign of life."""
    session, turns = _closed(session, stopped=True)
    return replace(session, state=State.STOPPED), turns


def _closed(session: PlaybackSession, *, stopped: bool) -> tuple[PlaybackSession, list[Turn]]:
    began = session.stretch_began_at
    if began is None:
        return session, []
    end = session.last_seen_at
    ended: list[Turn] = [Ended(session.position_seconds, end - began, stopped, end)]
    return replace(session, stretch_began_at=None), ended
