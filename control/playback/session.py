"""A playback session and its stretches of playing: pure functions from a session to the one that follows.

A stretch begins with the first sign of life while the session is PLAYING: a report, a resume, a seek, or an edge that
has served it. It ends when the session is paused or stopped; or at its last sign of life, when none came for
`idle` seconds: then the player has vanished, and the next sign begins another stretch. So each stretch has one
beginning and one end, and what was watched is the time between its first sign of life and its last.

In a stretch the film runs on from where its player was last told to be. Between stretches the viewer may go elsewhere
and leave it there: nothing was watched, and yet that is where they left the title.
"""

from dataclasses import dataclass, replace

from control.playback.session_states import Event, State, after

LEAVING = frozenset({Event.PAUSE, Event.STOP})
"""What brings no session back into use that nobody had told of for long."""
SILENT_SECONDS = 15.0
"""Players tell where they are about every ten seconds; one that is silent for longer than this may have gone."""
NEAR_SECONDS = 2.0
"""Positions that are no further apart are the same."""


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
    told_at: float | None = None
    """When its viewer was at `position_seconds`; None when that was only proposed, or nothing was watched there."""
    sought: bool = False
    """Whether its viewer went elsewhere since the last turn that told where they are."""
    duration_seconds: float = 0.0
    """How long the version is that is watched; 0 when nobody knows."""

    @property
    def known_at(self) -> float | None:
        """Up to when it is known where its viewer is; None when they have watched nothing and gone nowhere."""
        if self.told_at is None or self.stretch_began_at is None:
            return self.told_at
        if self.sought or self.stretch_began_at < self.last_seen_at:
            return self.last_seen_at
        return self.told_at if self.told_at < self.stretch_began_at else None  # what it has just begun does not count

    def standing(self, now: float) -> float:
        """Where its viewer is by now. Whose player is silent is where it was last heard of, as in the history later."""
        return self.run_until(self.last_seen_at if self.idle(now, SILENT_SECONDS) else now)

    def run_until(self, moment: float) -> float:
        """Where the film is at a moment, if its stretch lasts so long."""
        if self.told_at is None or self.stretch_began_at is None:
            return self.position_seconds
        run = max(0.0, moment - max(self.told_at, self.stretch_began_at))
        return self.within(self.position_seconds + run)

    def within(self, position: float) -> float:
        """A position; or the end, where that comes before it."""
        return min(position, self.duration_seconds or position)

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
    sought: bool = False
    """Whether the viewer went there, be it that they watched nothing since."""


@dataclass(frozen=True, slots=True)
class Left:
    """Between two stretches the viewer went to a position, and left it there; with its session if `stopped`."""

    position_seconds: float
    stopped: bool
    time: float


Turn = Began | Ended | Left


def moved(
    session: PlaybackSession, event: Event, now: float, *, idle: float, position: float | None = None
) -> tuple[PlaybackSession, list[Turn]]:
    """The session after something that is a sign of its player's life, and the turns of its stretches.

    Raises `Conflict` for what cannot happen to it any more.
    """
    state = after(session.state, event)
    if session.state is State.STOPPED:
        return session, []
    now = max(now, session.last_seen_at, session.told_at or 0.0)
    late = event in LEAVING and session.idle(now, idle)
    session, turns = (session, []) if late else lapsed(session, now, idle=idle)
    seen = session.last_seen_at if late else now
    if position is None and event in LEAVING and session.told_at is not None:
        position = session.standing(now)  # whoever pauses it from elsewhere keeps no silent player alive
    if position is not None:
        # A player that had vanished tells where it was then; one that stood still was there to be moved until now.
        session = _placed(session, event, position, seen if session.state is State.PLAYING else now)
    session = replace(session, state=state, last_seen_at=seen)
    if state is State.PLAYING and session.stretch_began_at is None:
        turns.append(Began(session.position_seconds, not session.played, now))
        told_at = now if session.told_at is None and position is not None else session.told_at
        session = replace(session, stretch_began_at=now, played=True, told_at=told_at)
    elif state is State.STOPPED or (state is State.PAUSED and session.stretch_began_at is not None):
        session, ends = _closed(session, stopped=state is State.STOPPED)
        turns += ends
    return session, turns


def lapsed(session: PlaybackSession, now: float, *, idle: float) -> tuple[PlaybackSession, list[Turn]]:
    """The session after time alone: without a sign of life for `idle` seconds its stretch has ended."""
    return _closed(session, stopped=False) if session.idle(now, idle) else (session, [])


def cut_off(session: PlaybackSession) -> tuple[PlaybackSession, list[Turn]]:
    """The session ended by somebody else than its player: its stretch ends at the last sign of life."""
    session, turns = _closed(session, stopped=True)
    return replace(session, state=State.STOPPED), turns


def _placed(session: PlaybackSession, event: Event, position: float, now: float) -> PlaybackSession:
    """The session where its player is told to be. What moves while it stands still was moved by its viewer."""
    here, stands_still = session.within(position), session.stretch_began_at is None
    apart = abs(here - session.position_seconds) > NEAR_SECONDS
    went = event is Event.SEEK or (stands_still and session.told_at is not None and apart)
    told_at = session.told_at if stands_still and not went else now
    return replace(session, position_seconds=here, told_at=told_at, sought=session.sought or went)


def _closed(session: PlaybackSession, *, stopped: bool) -> tuple[PlaybackSession, list[Turn]]:
    began, end = session.stretch_began_at, session.last_seen_at
    if began is None:
        left: list[Turn] = [Left(session.position_seconds, stopped, session.told_at or end)] if session.sought else []
        return replace(session, sought=False), left
    here = session.run_until(end)
    told_at = end if session.told_at is not None and (session.sought or began < end) else session.known_at
    ended: list[Turn] = [Ended(here, end - began, stopped, end, session.sought)]
    return replace(session, stretch_began_at=None, position_seconds=here, told_at=told_at, sought=False), ended
