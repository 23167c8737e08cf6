"""The table of job states, exhaustively; and lives of jobs that never leave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.job_states import TRANSITIONS, Event, State, after
from matinee.errors import Conflict

EVERY_PAIR = [(state, event) for state in State for event in Event]
REFUSED = [pair for pair in EVERY_PAIR if pair not in TRANSITIONS]


@pytest.mark.parametrize(("state", "event"), TRANSITIONS)
def test_an_event_of_the_table_leads_to_its_state(state: State, event: Event) -> None:
    assert after(state, event) is TRANSITIONS[state, event]


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_any_other_event_is_refused_with_a_sentence(state: State, event: Event) -> None:
    with pytest.raises(Conflict, match=f"the job is {state}: it cannot be {event}"):
        after(state, event)


@given(st.lists(st.sampled_from(Event)))
def test_no_sequence_of_events_leaves_the_table(events: list[Event]) -> None:
    state = State.QUEUED
    for event in events:
        try:
            state = after(state, event)
        except Conflict:
            assert (state, event) not in TRANSITIONS
        assert state in State


def test_nothing_follows_published() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is State.PUBLISHED]


def test_every_state_can_be_reached_from_queued() -> None:
    reached = {State.QUEUED}
    for _ in State:
        reached |= {after for (before, _), after in TRANSITIONS.items() if before in reached}
    assert reached == set(State)
