"""Plays and their sums, from the events of playing."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.analytics.plays import STATISTICS, following, tallies
from control.database import plays, statistics, titles
from control.database.plays import ALL, Play
from control.database.statistics import Tally
from matinee.errors import InvalidInput
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from tests.viewing import HOUR, NOON, Cinema, numbered, paused, played

pytestmark = pytest.mark.anyio

ME, FILM = numbered("a", 0), numbered("t", 0)
DAY = 86_400.0
TODAY = int(NOON // DAY)
MIDNIGHT = (TODAY + 1) * DAY

Event = MoviePlayed | MoviePaused


def rolled_up(events: Sequence[Event]) -> dict[int, Tally]:
    """The sums of the days after these events, each of which adds what it changes."""
    plays: dict[str, Play] = {}
    days: dict[int, Tally] = {}
    for event in events:
        before = plays.get(event.session_id)
        after = plays[event.session_id] = following(before, event)
        found = tallies([(before, after)])
        assert {day: found[FILM, day] for of, day in found if of == FILM} == {day: found[ALL, day] for _, day in found}
        for day, change in ((day, tally) for (of, day), tally in found.items() if of == FILM):
            days[day] = days.get(day, Tally()) + change
    return {day: tally for day, tally in days.items() if tally != Tally()}


def recounted(events: Sequence[Event]) -> dict[int, Tally]:
    """The same, counted anew from all events of each session."""
    days: dict[int, Tally] = {}
    for session in {event.session_id for event in events}:
        mine = [event for event in events if event.session_id == session]
        starts = [event.time.seconds for event in mine if isinstance(event, MoviePlayed) and event.started]
        ends = [event for event in mine if isinstance(event, MoviePaused) and event.watched_seconds]
        if starts:
            watched = sum(round(1000 * end.watched_seconds) for end in ends)
            reached = [round(1e6 * min(end.position_seconds / HOUR, 1.0)) for end in ends]
            day = min(starts) // 86_400
            days[day] = days.get(day, Tally()) + Tally(1, watched, max(reached, default=0))
    return days


moments = st.integers(0, 3 * 86_400).map(lambda offset: NOON + offset)
lengths = st.floats(0, 4_000).filter(lambda length: not 0 < length < 0.01)
starts = st.builds(
    lambda at, session, started: played(ME, FILM, at, session=session, started=started),
    moments, st.integers(0, 4), st.booleans(),
)  # fmt: skip
ends = st.builds(
    lambda at, position, watched, session: paused(ME, FILM, at, position, watched=watched, session=session),
    moments, st.integers(0, 4_000), lengths, st.integers(0, 4),
)  # fmt: skip


@given(st.lists(starts | ends, max_size=30).flatmap(lambda events: st.tuples(st.just(events), st.permutations(events))))
def test_the_sums_are_those_of_a_recount_whatever_the_order(orders: tuple[Sequence[Event], Sequence[Event]]) -> None:
    one, other = orders
    assert rolled_up(one) == recounted(one) == rolled_up(other)


def test_a_play_counts_as_a_whole_for_the_day_of_its_start() -> None:
    events: list[Event] = [played(ME, FILM, MIDNIGHT - 1), paused(ME, FILM, MIDNIGHT + 1_799, 1_800, watched=1_800)]
    assert rolled_up(events) == {TODAY: Tally(1, 1_800_000, 500_000)}


@pytest.mark.parametrize(("at", "day"), [(MIDNIGHT - 0.001, TODAY), (MIDNIGHT, TODAY + 1)])
def test_a_day_ends_at_midnight_utc(at: float, day: int) -> None:
    assert rolled_up([played(ME, FILM, at)]) == {day: Tally(1)}


def test_a_play_whose_start_is_unknown_counts_for_no_day() -> None:
    assert rolled_up([paused(ME, FILM, NOON, 600), played(ME, FILM, NOON, started=False)]) == {}


def test_going_on_after_a_pause_is_the_same_play() -> None:
    again = played(ME, FILM, NOON + 90, started=False)
    events: list[Event] = [played(ME, FILM, NOON), paused(ME, FILM, NOON + 60, 60), again]
    assert rolled_up(events) == {TODAY: Tally(1, 60_000, 16_667)}


def test_a_title_of_no_known_length_is_reached_nowhere() -> None:
    assert rolled_up([played(ME, FILM, NOON), paused(ME, FILM, NOON, 60, duration=0)])[TODAY].reached_ppm == 0


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1.0, 1e300])
async def test_a_length_that_is_none_is_refused(cinema: Cinema, wrong: float) -> None:
    with pytest.raises(InvalidInput, match="watched_seconds"):
        await cinema.consume(STATISTICS, [paused(ME, FILM, NOON, 10, watched=wrong)])
    async with cinema.database.write() as connection:
        assert await plays.among(connection, [numbered("s", 0)]) == {}


YOU = numbered("a", 1)
EVENTS: list[Event] = [
    played(ME, FILM, NOON),
    paused(ME, FILM, NOON + 60, 1_800),
    played(YOU, FILM, MIDNIGHT + 5, session=1),
    played(ME, FILM, MIDNIGHT + 9, session=2),
]


async def check(cinema: Cinema) -> None:
    """What is known after EVENTS."""
    async with cinema.read() as connection:
        for title_id in (FILM, ALL):
            sums = await statistics.by_day(connection, title_id, TODAY, TODAY + 1)
            assert sums == {TODAY: Tally(1, 60_000, 500_000), TODAY + 1: Tally(2)}
            assert await statistics.viewers_by_day(connection, title_id, TODAY, TODAY + 1) == {TODAY: 1, TODAY + 1: 2}
        assert await statistics.viewers(connection, [FILM, ALL], TODAY, TODAY + 1) == {FILM: 2, ALL: 2}


async def test_plays_are_kept_and_summed_up_whatever_the_order(cinema: Cinema) -> None:
    for order in permutations(EVENTS):
        await cinema.consume(STATISTICS, order)
        await check(cinema)
        async with cinema.database.write() as connection:
            await statistics.forget(connection, TODAY + 2)
            for title_id in (FILM, ALL):
                assert await statistics.by_day(connection, title_id, 0, TODAY + 2) == {}
            assert await statistics.viewers(connection, [FILM, ALL], 0, TODAY + 2) == {}


async def test_events_of_one_transaction_count_as_one_by_one(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        await STATISTICS.act(connection, EVENTS)
    await check(cinema)


async def test_who_played_on_a_day_that_is_forgotten_is_a_viewer_of_what_is_left(cinema: Cinema) -> None:
    await cinema.consume(STATISTICS, EVENTS)
    async with cinema.database.write() as connection:
        await statistics.forget(connection, TODAY + 1)
        assert await statistics.viewers(connection, [FILM, ALL], 0, TODAY + 1) == {FILM: 2, ALL: 2}
    await cinema.consume(STATISTICS, [played(ME, FILM, MIDNIGHT + DAY, session=3)])
    async with cinema.read() as connection:
        assert await statistics.viewers(connection, [FILM, ALL], 0, TODAY + 2) == {FILM: 2, ALL: 2}
        assert await statistics.viewers(connection, [FILM, ALL], TODAY + 2, TODAY + 2) == {FILM: 1, ALL: 1}


async def test_the_plays_of_a_title_that_has_gone_are_left_alone(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        await titles.remove(connection, FILM)
    await cinema.consume(STATISTICS, [played(ME, FILM, NOON)])
    async with cinema.read() as connection:
        assert await statistics.most_played(connection, 0, TODAY, 10) == {}
        assert await statistics.by_day(connection, ALL, 0, TODAY) == {}


async def test_the_statistics_of_a_title_go_with_it_but_those_of_all_stay(cinema: Cinema) -> None:
    await cinema.consume(STATISTICS, [played(ME, FILM, NOON)])
    async with cinema.database.write() as connection:
        await titles.remove(connection, FILM)
        assert await statistics.most_played(connection, 0, TODAY, 10) == {}
        assert await statistics.viewers(connection, [FILM, ALL], 0, TODAY) == {ALL: 1}
    await cinema.consume(STATISTICS, [played(ME, cinema.titles[1], NOON, session=1)])
    async with cinema.read() as connection:
        assert await statistics.by_day(connection, ALL, 0, TODAY) == {TODAY: Tally(2)}
        assert await statistics.viewers(connection, [ALL], 0, TODAY) == {ALL: 1}
