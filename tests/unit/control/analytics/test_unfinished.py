"""Continue watching, from what the history says."""

from dataclasses import replace

import pytest

from control.analytics.history import HISTORY
from control.analytics.unfinished import unfinished
from control.database import titles
from tests.viewing import HOUR, NOON, Cinema, numbered, paused, played, title

pytestmark = pytest.mark.anyio

ME, FIRST, SECOND, THIRD = numbered("a", 0), *(numbered("t", number) for number in range(3))
SERIES = numbered("s", 0)


async def offered(cinema: Cinema, size: int = 10) -> list[str]:
    async with cinema.read() as connection:
        return [offer.title_id for offer, _ in await unfinished(connection, ME, size, NOON + HOUR)]


async def watch(cinema: Cinema, title_id: str, at: float, until: float = 600) -> None:
    await cinema.consume(HISTORY, [played(ME, title_id, at), paused(ME, title_id, at + 60, until)])


async def make_series(cinema: Cinema) -> None:
    """Make the three titles the episodes 1, 2 and 4 of a series."""
    async with cinema.database.write() as connection:
        await titles.add(connection, title(SERIES, "Series", kind="series", asset_id=""))
        for title_id, number in ((FIRST, 1), (SECOND, 2), (THIRD, 4)):
            episode = await titles.find(connection, title_id)
            assert episode is not None
            await titles.save(connection, replace(episode, kind="episode", parent_id=SERIES, number=number))


async def test_what_was_left_before_its_end_is_offered_latest_first(cinema: Cinema) -> None:
    await watch(cinema, SECOND, NOON)
    await watch(cinema, FIRST, NOON + 100)
    assert await offered(cinema) == [FIRST, SECOND]
    assert await offered(cinema, 1) == [FIRST]


async def test_what_was_finished_is_not_offered(cinema: Cinema) -> None:
    await watch(cinema, FIRST, NOON, until=HOUR)
    assert await offered(cinema) == []


async def test_what_may_not_be_watched_any_more_is_not_offered(cinema: Cinema) -> None:
    await watch(cinema, FIRST, NOON)
    async with cinema.database.write() as connection:
        film = await titles.find(connection, FIRST)
        assert film is not None
        await titles.save(connection, replace(film, published=False))
    assert await offered(cinema) == []


async def test_after_an_episode_the_next_one_is_offered(cinema: Cinema) -> None:
    await make_series(cinema)
    await watch(cinema, SECOND, NOON, until=HOUR)
    assert await offered(cinema) == [THIRD]


async def test_an_episode_that_was_begun_is_offered_once_and_where_it_was_left(cinema: Cinema) -> None:
    await make_series(cinema)
    await watch(cinema, FIRST, NOON, until=HOUR)
    await watch(cinema, SECOND, NOON + 100)
    assert await offered(cinema) == [SECOND]


async def test_after_the_last_episode_nothing_is_offered(cinema: Cinema) -> None:
    await make_series(cinema)
    await watch(cinema, THIRD, NOON, until=HOUR)
    assert await offered(cinema) == []
