"""Recommendations, from the history in the database to what a viewer is offered."""

from typing import Any

import pytest

from control.analytics.plays import DAY_SECONDS, STATISTICS
from control.analytics.recommendations import FRESH_SECONDS, POPULAR_DAYS, Recommendations
from control.analytics.training import Trainer
from control.callers import Caller
from control.database import Database, history, plans, recommendations, titles
from control.identifiers import new_id
from control.subscriptions.plan import Plan
from matinee.errors import Unavailable
from matinee.settings import RecommendationSettings
from tests.viewing import HISTORY, HOUR, NOON, Cinema, numbered, opened, paused, played, title

pytestmark = pytest.mark.anyio

NOW = NOON + HOUR
ME, YOU, THEM, NOBODY = (numbered("a", number) for number in range(4))
FILMS = [numbered("t", number) for number in range(6)]
SERIES, SEASON, PILOT, SECOND = (numbered("v", number) for number in range(4))


@pytest.fixture
async def cinema(database: Database, anyio_backend: str) -> Cinema:
    """Six films; two accounts watched 0, 1 and 2, I watched 0 to the end."""
    full = await opened(database, 4, 6)
    for person in (YOU, THEM):
        for film in FILMS[:3]:
            await watch(full, person, film)
    await watch(full, ME, FILMS[0], until=HOUR)
    return full


async def watch(
    cinema: Cinema, person: str, title_id: str, *, at: float = NOON, until: float = 600, seconds: float = 600
) -> None:
    await cinema.consume(HISTORY, [paused(person, title_id, at, until, watched=seconds)])


async def add(cinema: Cinema, title_id: str, **changes: Any) -> None:
    async with cinema.database.write() as connection:
        await titles.add(connection, title(title_id, title_id, **changes))


async def learn(cinema: Cinema, **settings: int) -> tuple[int, int]:
    """Learn from the history; from how many accounts and titles."""
    trainer = Trainer(cinema.database, RecommendationSettings(**settings), lambda: NOW)
    await trainer.begin()
    await trainer.make_round()
    async with cinema.read() as connection:
        return await recommendations.learnt_from(connection)


async def play(cinema: Cinema, person: str, title_id: str, at: float) -> None:
    """Play a title for a moment: that counts as a play, and is not watching."""
    event = played(person, title_id, at)
    event.session_id = new_id(lambda: at)
    await cinema.consume(STATISTICS, [event])


async def offered(
    cinema: Cinema, person: str = ME, size: int = 24, *, role: str = "viewer", now: float = NOW
) -> list[tuple[str, str]]:
    """The ids of what is recommended, and of the reasons."""
    found = await Recommendations(cinema.database, lambda: now).recommend(Caller(person, "", role), size)
    return [(each.title.title_id, each.because.title_id if each.because else "") for each in found]


async def names(cinema: Cinema, person: str = ME, size: int = 24, *, role: str = "viewer") -> list[str]:
    return [title_id for title_id, _ in await offered(cinema, person, size, role=role)]


async def test_what_was_watched_with_what_i_watched_comes_first_and_says_why(cinema: Cinema) -> None:
    await learn(cinema)
    found = await offered(cinema)
    assert found[:2] == [(FILMS[1], FILMS[0]), (FILMS[2], FILMS[0])]
    assert found[2:] == [(film, "") for film in FILMS[:2:-1]]


async def test_who_watched_nothing_is_offered_what_is_popular_and_then_the_newest(cinema: Cinema) -> None:
    await learn(cinema)
    assert await offered(cinema, NOBODY) == [(film, "") for film in (*FILMS[:3], *FILMS[:2:-1])]


async def test_before_the_first_training_the_newest_are_offered(cinema: Cinema) -> None:
    assert await offered(cinema) == [(film, "") for film in FILMS[:0:-1]]


async def test_what_was_popular_lately_goes_before_what_always_was(cinema: Cinema) -> None:
    await learn(cinema)
    await play(cinema, ME, FILMS[4], NOON)
    assert (await names(cinema, NOBODY))[:2] == [FILMS[4], FILMS[0]]


async def test_what_most_play_is_popular_before_anything_is_learnt_and_within_a_minute(cinema: Cinema) -> None:
    now, viewer = NOW, Caller(NOBODY, "", "viewer")
    known = Recommendations(cinema.database, lambda: now)
    assert (await known.recommend(viewer, 1))[0].title.title_id == FILMS[5]
    for film, people in ((FILMS[2], (YOU, THEM)), (FILMS[3], (YOU, YOU, YOU))):
        for person in people:
            await play(cinema, person, film, NOON)
    now += FRESH_SECONDS
    assert [each.title.title_id for each in await known.recommend(viewer, 3)] == [FILMS[2], FILMS[3], FILMS[5]]


async def test_what_is_popular_is_asked_for_again_at_once_where_that_was_cut_short(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_short(*_: object) -> list[str]:
        raise Unavailable("the database does not answer")

    await play(cinema, YOU, FILMS[2], NOON)
    known, viewer = Recommendations(cinema.database, lambda: NOW), Caller(NOBODY, "", "viewer")
    with monkeypatch.context() as away:
        away.setattr(recommendations, "popular", cut_short)
        with pytest.raises(Unavailable):
            await known.recommend(viewer, 1)
    assert (await known.recommend(viewer, 1))[0].title.title_id == FILMS[2]


async def test_what_was_played_long_ago_is_not_popular(cinema: Cinema) -> None:
    await play(cinema, YOU, FILMS[2], NOON)
    await play(cinema, YOU, FILMS[2], NOON + HOUR)
    last = NOON + (POPULAR_DAYS - 1) * DAY_SECONDS
    assert [found[0][0] for now in (last, last + DAY_SECONDS) if (found := await offered(cinema, NOBODY, now=now))] == [
        FILMS[2], FILMS[5],
    ]  # fmt: skip


async def test_a_series_is_as_popular_as_its_most_popular_episode(cinema: Cinema) -> None:
    await add(cinema, SERIES, kind="series", asset_id="")
    await add(cinema, PILOT, kind="episode", parent_id=SERIES, number=1)
    await add(cinema, SECOND, kind="episode", parent_id=SERIES, number=2)
    for person, title_id in (
        (YOU, PILOT),
        (YOU, SECOND),
        (THEM, PILOT),
        *((each, FILMS[3]) for each in (ME, YOU, THEM)),
    ):
        await play(cinema, person, title_id, NOON)
    assert (await names(cinema, NOBODY))[:2] == [FILMS[3], SERIES]


async def test_a_glance_is_not_watching(cinema: Cinema) -> None:
    await watch(cinema, YOU, FILMS[4], seconds=119)
    await watch(cinema, ME, FILMS[1], seconds=119)
    assert await learn(cinema) == (3, 3)
    assert FILMS[1] in await names(cinema)


@pytest.mark.parametrize(
    "changes",
    [{"published": False}, {"available_from": NOW + 1}, {"available_until": NOW}, {"asset_id": ""}],
    ids=["draft", "not yet", "no more", "without media"],
)
async def test_what_may_not_be_watched_now_is_never_recommended(cinema: Cinema, changes: dict[str, Any]) -> None:
    await learn(cinema)
    await cinema.change(FILMS[1], **changes)
    await cinema.change(FILMS[5], **changes)
    assert await names(cinema) == [FILMS[2], FILMS[4], FILMS[3]]


async def test_what_the_viewer_sees_no_more_is_no_reason(cinema: Cinema) -> None:
    await learn(cinema)
    await cinema.change(FILMS[0], published=False)
    assert (await offered(cinema))[0] == (FILMS[1], "")


async def test_what_needs_a_plan_that_the_viewer_lacks_is_not_recommended(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        await plans.add(connection, Plan("family", "Family", NOON, level=1))
    await cinema.change(FILMS[1], plan_id="family")
    await cinema.change(FILMS[5], plan_id="gone")
    await learn(cinema)
    assert await names(cinema) == [FILMS[2], FILMS[4], FILMS[3]]
    assert (await names(cinema, role="publisher"))[0] == FILMS[1]


async def test_the_plan_that_a_series_needs_is_that_of_its_episodes(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        await plans.add(connection, Plan("family", "Family", NOON, level=1))
    await add(cinema, SERIES, kind="series", asset_id="", plan_id="family")
    await add(cinema, SEASON, kind="season", asset_id="", parent_id=SERIES, number=1)
    await add(cinema, PILOT, kind="episode", parent_id=SEASON, number=1)
    assert SERIES not in await names(cinema)
    assert SERIES in await names(cinema, role="publisher")


async def test_a_series_is_recommended_for_its_episodes_until_one_is_watched(cinema: Cinema) -> None:
    await add(cinema, SERIES, kind="series", asset_id="")
    await add(cinema, SEASON, kind="season", asset_id="", parent_id=SERIES, number=1)
    await add(cinema, PILOT, kind="episode", parent_id=SEASON, number=1)
    await add(cinema, SECOND, kind="episode", parent_id=SERIES, number=2)
    await watch(cinema, YOU, PILOT)
    await watch(cinema, THEM, SECOND)
    await learn(cinema)
    assert (SERIES, FILMS[0]) in await offered(cinema)
    assert {SEASON, PILOT, SECOND}.isdisjoint(await names(cinema))
    await watch(cinema, ME, SECOND)
    assert SERIES not in await names(cinema)


async def test_a_series_of_which_nothing_can_be_played_is_not_recommended(cinema: Cinema) -> None:
    await add(cinema, SERIES, kind="series", asset_id="")
    await add(cinema, PILOT, kind="episode", parent_id=SERIES, number=1, published=False)
    assert SERIES not in await names(cinema)


@pytest.mark.parametrize(
    "changes",
    [{"published": False}, {"available_from": NOW + 1}, {"available_until": NOW}],
    ids=["draft", "not yet", "no more"],
)
async def test_a_series_whose_episodes_are_in_seasons_that_viewers_do_not_see_is_not_recommended(
    cinema: Cinema, changes: dict[str, Any]
) -> None:
    await add(cinema, SERIES, kind="series", asset_id="")
    await add(cinema, SEASON, kind="season", asset_id="", parent_id=SERIES, number=1, **changes)
    await add(cinema, PILOT, kind="episode", parent_id=SEASON, number=1)
    await watch(cinema, YOU, PILOT)
    await play(cinema, YOU, PILOT, NOON)
    await learn(cinema)
    assert [SERIES in await names(cinema, person) for person in (ME, NOBODY)] == [False, False]
    await add(cinema, SECOND, kind="episode", parent_id=SERIES, number=2)
    assert [SERIES in await names(cinema, person) for person in (ME, NOBODY)] == [True, True]


async def test_a_list_is_as_long_as_is_asked_for_at_most(cinema: Cinema) -> None:
    await learn(cinema)
    whole = await names(cinema)
    assert [await names(cinema, size=size) for size in (1, 3)] == [whole[:1], whole[:3]]


async def test_what_is_forgotten_speaks_for_nothing_at_once(cinema: Cinema) -> None:
    await learn(cinema)
    async with cinema.database.write() as connection:
        await history.forget(connection, ME, FILMS[0], 0)
    assert {because for _, because in await offered(cinema)} == {""}


async def test_what_is_forgotten_is_not_learnt_again(cinema: Cinema) -> None:
    async with cinema.database.write() as connection:
        for person in (YOU, THEM):
            await history.forget(connection, person, FILMS[2], 0)
    assert await learn(cinema) == (3, 2)


async def test_the_titles_that_most_watched_are_learnt(cinema: Cinema) -> None:
    assert await learn(cinema, most_titles=1) == (3, 1)
    assert (await offered(cinema, NOBODY))[0] == (FILMS[0], "")


async def test_what_another_process_learnt_is_known_at_the_next_request(cinema: Cinema) -> None:
    known, viewer = Recommendations(cinema.database, lambda: NOW), Caller(ME, "", "viewer")
    assert (await known.recommend(viewer, 1))[0].title.title_id == FILMS[5]
    await learn(cinema)
    assert (await known.recommend(viewer, 1))[0].title.title_id == FILMS[1]
