"""The table of subscription states, exhaustively: what follows each event in each state, written out once more."""

import pytest

from control.subscriptions.subscription_states import IN_FORCE, TRANSITIONS, Event, State, after
from matinee.errors import Conflict

GOES_ON = (Event.CHANGE, Event.CANCEL, Event.RESUME)
LIVES = {
    State.PENDING: {
        Event.PAY: State.ACTIVE,
        Event.FAIL: State.PENDING,
        Event.CHANGE: State.PENDING,
        Event.CANCEL: State.ENDED,
        Event.END: State.ENDED,
    },
    State.TRIAL: {
        Event.PAY: State.ACTIVE,
        Event.FAIL: State.TRIAL,
        Event.END: State.ENDED,
        **dict.fromkeys(GOES_ON, State.TRIAL),
    },
    State.ACTIVE: {
        Event.PAY: State.ACTIVE,
        Event.FAIL: State.GRACE,
        Event.LAPSE: State.GRACE,
        Event.END: State.ENDED,
        **dict.fromkeys(GOES_ON, State.ACTIVE),
    },
    State.GRACE: {
        Event.PAY: State.ACTIVE,
        Event.FAIL: State.GRACE,
        Event.END: State.ENDED,
        **dict.fromkeys(GOES_ON, State.GRACE),
    },
    State.ENDED: {
        Event.PAY: State.ACTIVE,
        Event.FAIL: State.ENDED,
        Event.CANCEL: State.ENDED,
        Event.END: State.ENDED,
    },
}
EXPECTED = [(state, event, following) for state, events in LIVES.items() for event, following in events.items()]
REFUSED = [(state, event) for state in State for event in Event if event not in LIVES[state]]


@pytest.mark.parametrize(("state", "event", "following"), EXPECTED)
def test_an_event_leads_to_its_state(state: State, event: Event, following: State) -> None:
    assert after(state, event) is following


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_any_other_event_is_refused_with_a_sentence(state: State, event: Event) -> None:
    with pytest.raises(Conflict, match=f"the subscription is {state}: it cannot be {event}"):
        after(state, event)


def test_every_state_that_allows_anything_can_end() -> None:
    assert all(TRANSITIONS[state, Event.END] is State.ENDED for state in IN_FORCE)
