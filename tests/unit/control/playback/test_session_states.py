"""The table of playback states, exhaustively: what follows each event in each state, written out once more."""

import pytest

from control.playback.session_states import Event, State, after
from matinee.errors import Conflict

MOVES = {Event.PAUSE: State.PAUSED, Event.RESUME: State.PLAYING, Event.STOP: State.STOPPED}
LIVES = {
    State.PLAYING: dict.fromkeys((Event.SEEN, Event.REPORT, Event.SEEK), State.PLAYING) | MOVES,
    State.PAUSED: dict.fromkeys((Event.SEEN, Event.REPORT, Event.SEEK), State.PAUSED) | MOVES,
    State.STOPPED: {Event.STOP: State.STOPPED},
}
EXPECTED = [(state, event, following) for state, events in LIVES.items() for event, following in events.items()]
REFUSED = [(state, event) for state in State for event in Event if event not in LIVES[state]]


@pytest.mark.parametrize(("state", "event", "following"), EXPECTED)
def test_an_event_leads_to_its_state(state: State, event: Event, following: State) -> None:
    assert after(state, event) is following


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_any_other_event_is_refused_with_a_sentence(state: State, event: Event) -> None:
    with pytest.raises(Conflict, match="has ended; play the title again"):
        after(state, event)
