"""The states of a job, and what may happen in each: one table, and nothing outside it.

                 LEASE          PUBLISH
    QUEUED ────────────▶ RUNNING ──────▶ PUBLISHED
     ▲  ▲                │ │ │ └─ REFUSE ▶ REFUSED
     │  │ ◀── GIVE_BACK ─┘ │ └─── FAIL ──▶ FAILED ─┐
     │  └─────────────────── │ ◀───── RETRY ───────┘
     │                  CANCEL ▼
     └─ RETRY ── CANCELLED ◀── CANCELLING

A running job whose lease has expired is leased again from RUNNING; its old worker is fenced off.
"""

from enum import StrEnum

from matinee.errors import Conflict


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    """A worker holds it and has been asked to stop, which it does even where it comes to publish."""
    PUBLISHED = "published"
    FAILED = "failed"
    REFUSED = "refused"
    """The film itself is to blame, and its bytes are removed."""
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What can happen to a job; the text completes the sentence "it cannot be …"."""

    LEASE = "leased"
    PUBLISH = "published"
    GIVE_BACK = "queued again"
    FAIL = "failed"
    REFUSE = "refused"
    STOP = "stopped"
    CANCEL = "cancelled"
    RETRY = "retried"


TRANSITIONS = {
    (State.QUEUED, Event.LEASE): State.RUNNING,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.RUNNING, Event.LEASE): State.RUNNING,
    (State.RUNNING, Event.PUBLISH): State.PUBLISHED,
    (State.RUNNING, Event.GIVE_BACK): State.QUEUED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.REFUSE): State.REFUSED,
    (State.RUNNING, Event.CANCEL): State.CANCELLING,
    (State.CANCELLING, Event.CANCEL): State.CANCELLING,
    (State.CANCELLING, Event.PUBLISH): State.CANCELLED,
    (State.CANCELLING, Event.STOP): State.CANCELLED,
    (State.CANCELLING, Event.GIVE_BACK): State.CANCELLED,
    (State.CANCELLING, Event.FAIL): State.CANCELLED,
    (State.CANCELLING, Event.REFUSE): State.CANCELLED,
    (State.FAILED, Event.RETRY): State.QUEUED,
    (State.CANCELLED, Event.RETRY): State.QUEUED,
}


def after(state: State, event: Event) -> State:
    """The state that follows. Raises `Conflict` for an event that the table does not have in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(f"the job is {state}: it cannot be {event}") from None
