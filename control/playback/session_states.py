"""The states of a playback session, and what may happen in each: one table, and nothing outside it.

               PAUSE
    PLAYING ──────────▶ PAUSED
       │    ◀──────────   │
       │      RESUME      │
       └── STOP ──▶ STOPPED ◀── STOP

A session that plays is PLAYING from its beginning. What is told again changes nothing.
"""

from enum import StrEnum

from matinee.errors import Conflict

ENDED = "the playback session has ended; play the title again"


class State(StrEnum):
    """Where a playback session stands, as far as somebody has told."""

    PLAYING = "playing"
    PAUSED = "paused"
    STOPPED = "stopped"


class Event(StrEnum):
    """What can happen to a playback session; the text completes the sentence "it cannot be …"."""

    SEEN = "served"
    """An edge has sent bytes to it."""
    REPORT = "reported"
    SEEK = "sought in"
    PAUSE = "paused"
    RESUME = "resumed"
    STOP = "stopped"


TRANSITIONS = {
    (State.PLAYING, Event.SEEN): State.PLAYING,
    (State.PLAYING, Event.REPORT): State.PLAYING,
    (State.PLAYING, Event.SEEK): State.PLAYING,
    (State.PLAYING, Event.PAUSE): State.PAUSED,
    (State.PLAYING, Event.RESUME): State.PLAYING,
    (State.PLAYING, Event.STOP): State.STOPPED,
    (State.PAUSED, Event.SEEN): State.PAUSED,
    (State.PAUSED, Event.REPORT): State.PAUSED,
    (State.PAUSED, Event.SEEK): State.PAUSED,
    (State.PAUSED, Event.PAUSE): State.PAUSED,
    (State.PAUSED, Event.RESUME): State.PLAYING,
    (State.PAUSED, Event.STOP): State.STOPPED,
    (State.STOPPED, Event.STOP): State.STOPPED,
}


def after(state: State, event: Event) -> State:
    """The state that follows. Raises `Conflict` for an event that the table does not have in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(ENDED) from None
