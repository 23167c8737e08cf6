"""The table of job states, exhaustively: what follows each event in each state, written out once more."""

import pytest

from control.jobs.job_states import TRANSITIONS, Event, State, after
from matinee.errors import Conflict

LIVES = {
    State.QUEUED: {Event.LEASE: State.RUNNING, Event.CANCEL: State.CANCELLED},
    State.RUNNING: {
        Event.LEASE: State.RUNNING,  # again, when the first lease has expired
        Event.PUBLISH: State.PUBLISHED,
        Event.GIVE_BACK: State.QUEUED,
        Event.FAIL: State.FAILED,
        Event.REFUSE: State.REFUSED,
        Event.CANCEL: State.CANCELLING,
    },
    State.CANCELLING: {
        Event.CANCEL: State.CANCELLING,
        Event.PUBLISH: State.CANCELLED,
        Event.STOP: State.CANCELLED,
        Event.GIVE_BACK: State.CANCELLED,
        Event.FAIL: State.CANCELLED,
        Event.REFUSE: State.CANCELLED,
    },
    State.PUBLISHED: {},
    State.FAILED: {Event.RETRY: State.QUEUED},
    State.REFUSED: {},
    State.CANCELLED: {Event.RETRY: State.QUEUED},
}
EXPECTED = [(state, event, following) for state, events in LIVES.items() for event, following in events.items()]
REFUSED = [(state, event) for state in State for event in Event if event not in LIVES[state]]


@pytest.mark.parametrize(("state", "event", "following"), EXPECTED)
def test_an_event_leads_to_its_state(state: State, event: Event, following: State) -> None:
    assert after(state, event) is following


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_any_other_event_is_refused_with_a_sentence(state: State, event: Event) -> None:
    with pytest.raises(Conflict, match=f"the job is {state}: it cannot be {event}"):
        after(state, event)


def test_every_state_can_be_reached_from_queued() -> None:
    reached = {State.QUEUED}
    for _ in State:
        reached |= {following for (before, _), following in TRANSITIONS.items() if before in reached}
    assert reached == set(State)
