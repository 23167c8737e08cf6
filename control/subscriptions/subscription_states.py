"""The states of a subscription, and what may happen in each: one table, and nothing outside it.

              PAY                 LAPSE
    PENDING ──────▶  ACTIVE  ◀───────────▶  GRACE
                      ▲  │        PAY         │
              PAY     │  │ END                │ END
     TRIAL ───────────┘  ▼                    │
       └──── END ────▶ ENDED ◀────────────────┘

What is cancelled keeps its state until its period ends; of what has ended, only a late payment brings back what was
not cancelled.
"""

from enum import StrEnum

from matinee.errors import Conflict


class State(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    """Waits for the payment provider; allows nothing yet."""
    TRIAL = "trial"
    ACTIVE = "active"
    GRACE = "grace"
    """The period was not paid; all goes on until the grace ends."""
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to a subscription; the text completes the sentence "it cannot be …"."""

    PAY = "paid"
    FAIL = "left unpaid"
    CHANGE = "changed"
    CANCEL = "cancelled"
    RESUME = "resumed"
    LAPSE = "given grace"
    END = "ended"


IN_FORCE = frozenset({State.TRIAL, State.ACTIVE, State.GRACE})
"""The states in which a subscription allows what its plan does."""

UNPAID = frozenset({State.PENDING, State.TRIAL, State.GRACE})
"""The states that a payment turns into a paid one."""

TRANSITIONS = {
    (State.PENDING, Event.PAY): State.ACTIVE,
    (State.PENDING, Event.FAIL): State.PENDING,
    (State.PENDING, Event.CHANGE): State.PENDING,
    (State.PENDING, Event.CANCEL): State.ENDED,
    (State.PENDING, Event.END): State.ENDED,
    (State.TRIAL, Event.PAY): State.ACTIVE,
    (State.TRIAL, Event.FAIL): State.TRIAL,
    (State.TRIAL, Event.CHANGE): State.TRIAL,
    (State.TRIAL, Event.CANCEL): State.TRIAL,
    (State.TRIAL, Event.RESUME): State.TRIAL,
    (State.TRIAL, Event.END): State.ENDED,
    (State.ACTIVE, Event.PAY): State.ACTIVE,
    (State.ACTIVE, Event.FAIL): State.GRACE,
    (State.ACTIVE, Event.CHANGE): State.ACTIVE,
    (State.ACTIVE, Event.CANCEL): State.ACTIVE,
    (State.ACTIVE, Event.RESUME): State.ACTIVE,
    (State.ACTIVE, Event.LAPSE): State.GRACE,
    (State.ACTIVE, Event.END): State.ENDED,
    (State.GRACE, Event.PAY): State.ACTIVE,
    (State.GRACE, Event.FAIL): State.GRACE,
    (State.GRACE, Event.CHANGE): State.GRACE,
    (State.GRACE, Event.CANCEL): State.GRACE,
    (State.GRACE, Event.RESUME): State.GRACE,
    (State.GRACE, Event.END): State.ENDED,
    (State.ENDED, Event.PAY): State.ACTIVE,
    (State.ENDED, Event.FAIL): State.ENDED,
    (State.ENDED, Event.CANCEL): State.ENDED,
    (State.ENDED, Event.END): State.ENDED,
}


def after(state: State, event: Event) -> State:
    """The state that follows. Raises `Conflict` for an event that the table does not have in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(f"the subscription is {state}: it cannot be {event}") from None
