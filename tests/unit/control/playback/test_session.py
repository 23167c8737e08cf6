"""A playback session and its stretches: when they begin and end, and what was watched."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.playback.session import Began, Ended, Left, PlaybackSession, Turn, cut_off, lapsed, moved
from control.playback.session_states import Event, State
from matinee.errors import Conflict

START = 1_000.0
IDLE = 60.0
NEW = PlaybackSession("p", "t", "a", "x", "TV", START, START, START + 10_000, position_seconds=5)


def after(session: PlaybackSession, *steps: tuple[Event, float, float | None]) -> tuple[PlaybackSession, list[Turn]]:
    """What becomes of a session by events at moments after START, at positions; and all turns."""
    turns: list[Turn] = []
    for event, moment, position in steps:
        session, more = moved(session, event, START + moment, idle=IDLE, position=position)
        turns += more
    return session, turns


@pytest.mark.parametrize("sign", [Event.SEEN, Event.REPORT, Event.RESUME, Event.SEEK])
def test_a_stretch_begins_with_the_first_sign_of_life(sign: Event) -> None:
    assert after(NEW, (sign, 2, None))[1] == [Began(5, first=True, time=START + 2)]


def test_further_signs_of_life_begin_no_other() -> None:
    session, turns = after(NEW, (Event.SEEN, 2, None), (Event.REPORT, 12, 15), (Event.SEEK, 13, 200))
    assert len(turns) == 1
    assert (session.position_seconds, session.last_seen_at) == (200, START + 13)


def test_a_pause_ends_it_where_it_says_and_a_resume_begins_another() -> None:
    _, turns = after(NEW, (Event.REPORT, 2, 6), (Event.PAUSE, 12, 16), (Event.PAUSE, 13, 16), (Event.RESUME, 40, None))
    assert turns == [
        Began(6, first=True, time=START + 2),
        Ended(16, 10, stopped=False, time=START + 12),
        Began(16, first=False, time=START + 40),
    ]


def test_what_is_paused_is_not_watched_whatever_it_loads_or_seeks() -> None:
    session, turns = after(NEW, (Event.PAUSE, 1, None), (Event.SEEN, 2, None), (Event.REPORT, 3, 9), (Event.SEEK, 4, 8))
    assert turns == []
    assert session.position_seconds == 8


def test_a_stop_ends_it_with_the_session_once() -> None:
    session, turns = after(NEW, (Event.REPORT, 2, 6), (Event.STOP, 30, 34), (Event.STOP, 31, 0))
    assert turns[1:] == [Ended(34, 28, stopped=True, time=START + 30)]
    assert (session.state, session.position_seconds) == (State.STOPPED, 34)


def test_a_stopped_session_hears_nothing_more() -> None:
    with pytest.raises(Conflict):
        after(NEW, (Event.STOP, 1, None), (Event.REPORT, 2, 3))


def test_a_vanished_player_was_watching_until_its_last_sign_of_life() -> None:
    watching, _ = after(NEW, (Event.REPORT, 0, 6), (Event.REPORT, 10, 16))
    assert lapsed(watching, START + 70, idle=IDLE)[1] == []
    gone, turns = lapsed(watching, START + 71, idle=IDLE)
    assert turns == [Ended(16, 10, stopped=False, time=START + 10)]
    assert lapsed(gone, START + 9_000, idle=IDLE) == (gone, [])


def test_a_player_that_comes_back_begins_another_stretch_even_if_nobody_looked_between() -> None:
    _, turns = after(NEW, (Event.REPORT, 0, 6), (Event.REPORT, 10, 16), (Event.REPORT, 500, 20))
    assert turns[1:] == [Ended(16, 10, stopped=False, time=START + 10), Began(20, first=False, time=START + 500)]


@pytest.mark.parametrize("leaving", [Event.PAUSE, Event.STOP])
def test_a_pause_or_stop_after_a_long_silence_counts_nothing_of_it(leaving: Event) -> None:
    session, turns = after(NEW, (Event.REPORT, 0, 6), (leaving, 5_000, 99))
    assert [turn.watched_seconds for turn in turns if isinstance(turn, Ended)] == [0]
    assert session.idle(START + 5_000, IDLE)


def test_what_somebody_else_ends_was_watched_until_its_last_sign_of_life() -> None:
    watching, _ = after(NEW, (Event.REPORT, 0, 6), (Event.REPORT, 10, 16))
    session, turns = cut_off(watching)
    assert turns == [Ended(16, 10, stopped=True, time=START + 10)]
    assert session.state is State.STOPPED
    assert cut_off(NEW)[1] == []


PAUSED = ((Event.REPORT, 0, 6), (Event.REPORT, 10, 16), (Event.PAUSE, 12, 18))


def test_what_is_sought_while_it_stands_still_is_told_of_once_it_is_left() -> None:
    session, turns = after(NEW, *PAUSED, (Event.SEEK, 20, 40), (Event.SEEK, 22, 50))
    assert len(turns) == 2
    assert after(session, (Event.STOP, 30, 50))[1] == [Left(50, stopped=True, time=START + 22)]
    assert cut_off(session)[1] == [Left(50, stopped=True, time=START + 22)]
    gone, left = lapsed(session, START + 90, idle=IDLE)
    assert left == [Left(50, stopped=False, time=START + 22)]
    assert after(gone, (Event.STOP, 99, 50))[1] == []


def test_to_stop_elsewhere_than_where_it_stood_still_is_to_go_there() -> None:
    assert after(NEW, *PAUSED, (Event.STOP, 30, 50))[1][2:] == [Left(50, stopped=True, time=START + 30)]
    assert after(NEW, *PAUSED, (Event.STOP, 30, 19.5))[1][2:] == []
    assert after(NEW, (Event.PAUSE, 0, 30), (Event.STOP, 1, 30))[1] == []


def test_a_stretch_ends_where_the_film_had_run_to_by_the_last_sign_of_life() -> None:
    watching, _ = after(NEW, (Event.REPORT, 0, 6), (Event.REPORT, 10, 16), (Event.SEEN, 15, None))
    assert cut_off(watching)[1] == [Ended(21, 15, stopped=True, time=START + 15)]
    assert after(watching, (Event.PAUSE, 17, None))[1] == [Ended(23, 17, stopped=False, time=START + 17)]
    assert after(watching, (Event.PAUSE, 17, 22))[1] == [Ended(22, 17, stopped=False, time=START + 17)]


def test_a_film_runs_no_further_than_to_its_end() -> None:
    watching, _ = after(replace(NEW, duration_seconds=20), (Event.REPORT, 0, 6), (Event.REPORT, 10, 99))
    assert watching.position_seconds == watching.standing(START + 12) == 20


def test_a_silent_player_is_where_it_was_last_heard_of() -> None:
    watching, _ = after(NEW, (Event.REPORT, 0, 6), (Event.REPORT, 10, 16))
    assert (watching.standing(START + 20), watching.standing(START + 26)) == (26, 16)
    paused, _ = after(NEW, *PAUSED)
    assert paused.standing(START + 20) == 18


def test_where_a_viewer_is_becomes_known_by_watching_or_going_there() -> None:
    assert NEW.known_at is None
    assert after(NEW, (Event.PAUSE, 1, 0))[0].known_at is None
    assert after(NEW, (Event.REPORT, 1, 0))[0].known_at is None
    assert after(NEW, (Event.REPORT, 1, 0), (Event.STOP, 1, 0))[0].known_at is None
    assert after(NEW, (Event.SEEN, 1, None), (Event.SEEN, 9, None))[0].known_at is None
    assert after(NEW, (Event.REPORT, 1, 0), (Event.SEEN, 9, None))[0].known_at == START + 9
    assert after(NEW, (Event.REPORT, 1, 0), (Event.PAUSE, 9, 8), (Event.SEEN, 20, None))[0].known_at == START + 9
    assert after(NEW, (Event.PAUSE, 1, 0), (Event.SEEK, 5, 40))[0].known_at == START + 5


@pytest.mark.parametrize("position", [None, 16])
def test_who_goes_on_is_known_to_be_where_they_were(position: float | None) -> None:
    paused = after(NEW, (Event.REPORT, 2, 6), (Event.PAUSE, 12, 16))[0]
    session = after(paused, (Event.RESUME, 40, position))[0]
    for each in (session, cut_off(session)[0]):
        assert (each.known_at, each.standing(START + 40)) == (START + 12, 16)
    assert after(paused, (Event.RESUME, 40, position), (Event.STOP, 45, 21))[0].known_at == START + 45


STEPS = st.lists(
    st.tuples(st.sampled_from([*Event, "lapse", "cut"]), st.floats(-5, 200), st.none() | st.floats(0, 100)), max_size=40
)


@given(steps=STEPS)
def test_every_stretch_that_begins_ends_once_and_takes_no_longer_than_its_time(
    steps: list[tuple[Event | str, float, float | None]],
) -> None:
    session, now, turns = NEW, START, list[Turn]()
    for event, pause, position in steps:
        now += pause
        try:
            if event == "lapse":
                session, more = lapsed(session, now, idle=IDLE)
            elif event == "cut":
                session, more = cut_off(session)
            else:
                session, more = moved(session, Event(event), now, idle=IDLE, position=position)
        except Conflict:
            assert session.state is State.STOPPED
            continue
        turns += more
        stretches = [turn for turn in turns if not isinstance(turn, Left)]
        assert (session.stretch_began_at is not None) == (bool(stretches) and isinstance(stretches[-1], Began))
        assert not session.sought or session.told_at is not None
        assert session.state is State.PLAYING or session.stretch_began_at is None
    turns += cut_off(session)[1]
    assert all(earlier.time <= later.time for earlier, later in pairwise(turns))
    turns = [turn for turn in turns if not isinstance(turn, Left)]
    assert [type(turn) for turn in turns] == [Began, Ended] * (len(turns) // 2)
    firsts = [turn.first for turn in turns if isinstance(turn, Began)]
    assert firsts == [number == 0 for number in range(len(firsts))]
    pairs = list(zip(turns[::2], turns[1::2], strict=True))
    assert all(0 <= end.watched_seconds == end.time - began.time for began, end in pairs if isinstance(end, Ended))
