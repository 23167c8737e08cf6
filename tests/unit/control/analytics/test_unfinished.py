"""Continue watching, from what the history says."""

from dataclasses import replace
from typing import Any

import pytest

from control.analytics.unfinished import unfinished
from control.database import plans, titles
from control.subscriptions.entitlement import Standing
from control.subscriptions.plan import Plan
from tests.viewing import HISTORY, HOUR, NOON, Cinema, numbered, paused, played, title

pytestmark = pytest.mark.anyio

ME, FIRST, SECOND, THIRD = numbered("a", 0), *(numbered("t", number) for number in range(3))
SERIES = numbered("s", 0)


FAMILY = Plan("family", "Family", NOON, level=1)


async def offered(cinema: Cinema, size: int = 10, *, role: str = "viewer", plan: Plan | None = None) -> list[str]:
    async with cinema.read() as connection:
        offers = await unfinished(connection, Standing(ME, role, plan), size, NOON + HOUR)
    return [title.title_id for title, _ in offers]


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


@pytest.mark.parametrize("changes", [{"published": False}, {"available_until": NOON + HOUR}, {"asset_id": ""}])
async def test_what_may_not_be_watched_any_more_is_not_offered(cinema: Cinema, changes: dict[str, Any]) -> None:
    await watch(cinema, FIRST, NOON)
    await cinema.change(FIRST, **changes)
    assert await offered(cinema) == []


async def test_what_the_plan_does_not_cover_any_more_is_not_offered(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        await plans.add(connection, FAMILY)
    await watch(cinema, FIRST, NOON)
    await watch(cinema, SECOND, NOON + 100)
    await cinema.change(SECOND, plan_id="family")
    assert await offered(cinema, 1) == [FIRST]
    assert await offered(cinema, plan=FAMILY) == await offered(cinema, role="publisher") == [SECOND, FIRST]


async def test_after_an_episode_the_next_one_is_offered(cinema: Cinema) -> None:
    await make_series(cinema)
    await watch(cinema, SECOND, NOON, until=HOUR)
    assert await offered(cinema) == [THIRD]


@pytest.mark.parametrize("changes", [{"published": False}, {"available_from": NOON + 2 * HOUR}, {"asset_id": ""}])
async def test_an_episode_that_may_not_be_watched_is_not_the_next_one(cinema: Cinema, changes: dict[str, Any]) -> None:
    await make_series(cinema)
    await cinema.change(SECOND, **changes)
    await watch(cinema, FIRST, NOON, until=HOUR)
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


async def test_after_the_last_episode_of_a_season_the_first_one_of_the_next_is_offered(cinema: Cinema) -> None:
    await make_series(cinema)
    async with cinema.database.write() as connection:
        for number in (1, 2, 3):
            season = title(numbered("n", number), f"Season {number}", kind="season", parent_id=SERIES, number=number)
            await titles.add(connection, replace(season, asset_id=""))
    await cinema.change(FIRST, parent_id=numbered("n", 1), number=9)
    await cinema.change(SECOND, parent_id=numbered("n", 3), number=2)
    await cinema.change(THIRD, parent_id=numbered("n", 3), number=1)
    await watch(cinema, FIRST, NOON, until=HOUR)
    assert await offered(cinema) == [THIRD]
    await watch(cinema, THIRD, NOON + 100, until=HOUR)
    assert await offered(cinema) == [SECOND]
