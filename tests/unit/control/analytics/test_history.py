"""Watch history and resume points, from the events of playing."""

import time
from dataclasses import replace
from itertools import permutations

import pytest
from google.protobuf.message import Message

from control.analytics.history import at_end
from control.database import history, outbox, titles
from control.database.history import Entry
from matinee.errors import InvalidInput
from tests.statements import counted
from tests.viewing import HISTORY, HOUR, NOON, Cinema, numbered, paused, played

pytestmark = pytest.mark.anyio

ME, FILM = numbered("a", 0), numbered("t", 0)


async def entry_after(cinema: Cinema, *events: Message) -> Entry:
    await cinema.consume(HISTORY, events)
    async with cinema.read() as connection:
        found = await history.find(connection, ME, FILM)
    assert found is not None
    return found


async def resume_after(cinema: Cinema, *events: Message) -> float:
    await cinema.consume(HISTORY, events)
    async with cinema.read() as connection:
        found = await history.find(connection, ME, FILM)
    return found.position_seconds if found else 0


@pytest.mark.parametrize(
    ("position", "duration", "finished"),
    [
        (57, 60, True),
        (56.9, 60, False),
        (1080, 1200, True),
        (1079, 1200, False),
        (1139, 1199, False),
        (6840, 7200, True),
        (6839, 7200, False),
        (7300, 7200, True),
        (10, 0, False),
    ],
)
def test_the_last_twentieth_finishes_a_title_and_so_do_the_last_two_minutes_of_a_long_one(
    position: float, duration: float, finished: bool
) -> None:
    assert at_end(position, duration) is finished


async def test_a_title_that_was_never_begun_has_no_resume_point(cinema: Cinema) -> None:
    assert await resume_after(cinema) == 0


async def test_a_pause_is_the_resume_point(cinema: Cinema) -> None:
    assert await resume_after(cinema, played(ME, FILM, NOON), paused(ME, FILM, NOON + 60, 600)) == 600


async def test_to_begin_at_the_start_and_leave_at_once_keeps_the_resume_point(cinema: Cinema) -> None:
    again = [played(ME, FILM, NOON + 100), paused(ME, FILM, NOON + 100, 0, watched=0)]
    assert await resume_after(cinema, paused(ME, FILM, NOON, 600), *again) == 600


async def test_where_a_viewer_went_is_the_resume_point_though_nothing_was_watched_there(cinema: Cinema) -> None:
    left = [paused(ME, FILM, NOON + 60, 600), paused(ME, FILM, NOON + 90, 2_000, watched=0, sought=True)]
    entry = await entry_after(cinema, *left)
    assert (entry.position_seconds, entry.watched_seconds, entry.watched_at) == (2_000, 60, NOON + 90)
    again = await entry_after(cinema, *reversed(left))
    assert again.position_seconds == 2_000


async def test_a_title_is_not_finished_by_going_to_its_end(cinema: Cinema) -> None:
    entry = await entry_after(
        cinema, paused(ME, FILM, NOON, 600), paused(ME, FILM, NOON + 9, HOUR, watched=0, sought=True)
    )
    assert (entry.position_seconds, entry.finished) == (0, False)


async def test_an_end_near_the_end_finishes_the_title(cinema: Cinema) -> None:
    entry = await entry_after(cinema, paused(ME, FILM, NOON, 0.96 * HOUR))
    assert (entry.finished, entry.position_seconds) == (True, 0)


async def test_a_finished_title_that_is_begun_again_is_a_new_viewing(cinema: Cinema) -> None:
    entry = await entry_after(cinema, paused(ME, FILM, NOON, HOUR), paused(ME, FILM, NOON + 100, 30))
    assert (entry.finished, entry.position_seconds) == (True, 30)


async def test_an_older_event_never_overwrites_a_newer_position(cinema: Cinema) -> None:
    entry = await entry_after(cinema, paused(ME, FILM, NOON + 60, 600), paused(ME, FILM, NOON, 300))
    assert (entry.position_seconds, entry.watched_at) == (600, NOON + 60)


async def test_the_order_of_the_events_makes_no_difference(cinema: Cinema) -> None:
    events = [played(ME, FILM, NOON), paused(ME, FILM, NOON + 60, HOUR), paused(ME, FILM, NOON + 90, 30)]
    outcomes = set()
    for order in permutations(events):
        entry = await entry_after(cinema, *order)
        outcomes.add((entry.position_seconds, entry.finished, entry.watched_at, entry.watched_seconds))
        async with cinema.database.write() as connection:
            await history.forget(connection, ME, FILM, 0)
    assert outcomes == {(30, True, NOON + 90, 120)}


async def test_what_others_watch_is_not_in_my_history(cinema: Cinema) -> None:
    await cinema.consume(HISTORY, [paused(numbered("a", 1), FILM, NOON, 600)])
    assert await resume_after(cinema) == 0


@pytest.mark.parametrize(("account", "film"), [(numbered("a", 9), FILM), (ME, numbered("t", 9))])
async def test_an_event_of_an_account_or_title_that_has_gone_is_left_alone(
    cinema: Cinema, account: str, film: str
) -> None:
    await cinema.consume(HISTORY, [played(account, film, NOON), paused(account, film, NOON, 600)])
    async with cinema.read() as connection:
        assert await history.find(connection, account, film) is None


@pytest.mark.parametrize("position", [float("nan"), float("inf"), -1.0])
async def test_a_position_that_is_none_is_refused(cinema: Cinema, position: float) -> None:
    with pytest.raises(InvalidInput, match="position_seconds"):
        await cinema.consume(HISTORY, [paused(ME, FILM, NOON, position)])


@pytest.mark.parametrize("length", [float("nan"), float("inf"), -1.0, 1e308])
async def test_a_length_that_nobody_watched_is_refused(cinema: Cinema, length: float) -> None:
    with pytest.raises(InvalidInput, match="watched_seconds"):
        await cinema.consume(HISTORY, [paused(ME, FILM, NOON, 600, watched=length)])


async def test_a_deleted_title_leaves_every_history(cinema: Cinema) -> None:
    await cinema.consume(HISTORY, [paused(ME, FILM, NOON, 600)])
    async with cinema.database.write() as connection:
        await titles.remove(connection, FILM)
    assert await resume_after(cinema) == 0
    async with cinema.read() as connection:
        assert await history.page(connection, ME, "", 10) == []


async def test_what_happened_before_a_title_was_forgotten_and_is_told_late_does_not_bring_it_back(
    cinema: Cinema,
) -> None:
    other = cinema.titles[1]
    await cinema.consume(HISTORY, [played(ME, FILM, NOON)])
    async with cinema.database.write() as connection:
        assert await history.forget(connection, ME, FILM, NOON + 100)
    await cinema.consume(HISTORY, [paused(ME, FILM, NOON + 100, 600), paused(ME, other, NOON + 60, 300)])
    async with cinema.read() as connection:
        assert [entry.title_id for entry in await history.page(connection, ME, "", 10)] == [other]
    assert (await entry_after(cinema, paused(ME, FILM, NOON + 160, 660))).position_seconds == 660


async def test_what_was_forgotten_is_remembered_for_as_long_as_events_of_before_may_come(cinema: Cinema) -> None:
    await cinema.consume(HISTORY, [played(ME, FILM, NOON)])
    async with cinema.database.write() as connection:
        await history.forget(connection, ME, FILM, NOON + 100)
        await history.forget_forgotten(connection, before=NOON + 100)
        assert await history.forgotten_at(connection, [(ME, FILM)]) == {(ME, FILM): NOON + 100}
        await history.forget_forgotten(connection, before=NOON + 101)
        assert await history.forgotten_at(connection, [(ME, FILM)]) == {}


async def test_the_latest_watched_comes_first(cinema: Cinema) -> None:
    films = cinema.titles
    order = [(films[0], NOON), (films[1], NOON + 10), (films[0], NOON + 20), (films[2], NOON + 5)]
    await cinema.consume(HISTORY, [played(ME, film, at) for film, at in order])
    async with cinema.read() as connection:
        found = await history.page(connection, ME, "", 10)
        assert [entry.title_id for entry in found] == [films[0], films[1], films[2]]
        assert await history.page(connection, ME, found[0].entry_id, 1) == [found[1]]


async def test_a_batch_adds_up_to_what_its_events_do_one_by_one(cinema: Cinema) -> None:
    events = [played(ME, FILM, NOON), paused(ME, FILM, NOON + 60, 600), played(ME, FILM, NOON + 90)]
    events += [paused(numbered("a", 9), FILM, NOON, 5), paused(ME, FILM, NOON + 150, 660)]
    async with cinema.database.write() as connection:
        await HISTORY.act(connection, events)
    together = await entry_after(cinema)
    async with cinema.database.write() as connection:
        await history.forget(connection, ME, FILM, 0)
    assert replace(await entry_after(cinema, *events), entry_id=together.entry_id) == together


async def test_a_batch_of_many_takes_as_many_statements_as_one_event(cinema: Cinema) -> None:
    counts = []
    for person, films in zip(cinema.accounts, (cinema.titles[:1], cinema.titles), strict=True):
        batch = [paused(person, film, NOON, 30) for film in films]
        async with cinema.database.write() as connection:
            with counted() as statements:
                await HISTORY.act(connection, batch)
        counts.append(len(statements))
    assert counts[0] == counts[1]


async def test_what_is_told_of_an_old_event_happens_now(cinema: Cinema) -> None:
    """Who follows the bus goes on a minute before the newest that they saw, and on Kafka by time."""
    began = time.time()
    await cinema.consume(HISTORY, [paused(ME, FILM, began - 7_200, 600)])
    async with cinema.read() as connection:
        [event] = await outbox.oldest(connection, 10)
    assert (event.topic, event.time >= began) == ("history-updated", True)
