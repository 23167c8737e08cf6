"""What publishers tell of titles: taken as it is within its bounds, and refused with a sentence beyond them."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from protos.v1.catalogue_pb2 import (
    TITLE_KIND_EPISODE,
    TITLE_KIND_FILM,
    TITLE_KIND_SEASON,
    TITLE_KIND_SERIES,
    TITLE_STATE_DRAFT,
    Cast,
    CastMember,
    CreateTitleRequest,
    Words,
)
from protos.v1.subscriptions_pb2 import RetirePlanRequest
from tests.catalogue import create, get, listed, update
from tests.control_house import House, refusal
from tests.offers import make_plan
from tests.viewing import rewrite

pytestmark = pytest.mark.anyio

WHOLE: dict[str, Any] = {
    "name": "Nosferatu",
    "synopsis": "A count\nmoves house.",
    "genres": ["Horror", "Silent film"],
    "tags": ["vampires"],
    "year": 1922,
    "original_language": "deu",
    "cast": [CastMember(name="Max Schreck", role="Orlok"), CastMember(name="F. W. Murnau", role="director")],
    "rating": "PG-13",
    "minimum_age": 12,
    "available_from": Timestamp(seconds=1_000, nanos=500_000_000),
    "available_until": Timestamp(seconds=2_000),
    "plan_id": "silver-1",
}


@pytest.fixture
async def silver(house: House) -> None:
    """There is the plan that the title needs."""
    await make_plan(house, "silver-1")


@pytest.mark.usefixtures("silver")
async def test_a_title_keeps_all_that_is_told_of_it(house: House) -> None:
    title = await get(house, await create(house, **WHOLE))
    assert {name: getattr(title, name) for name in WHOLE} == WHOLE
    assert (title.kind, title.state, title.asset_id) == (TITLE_KIND_FILM, TITLE_STATE_DRAFT, "")


@pytest.mark.usefixtures("silver")
async def test_an_update_changes_what_is_set_and_nothing_else(house: House) -> None:
    title_id = await create(house, **WHOLE)
    title = await update(house, title_id, genres=Words(words=["Drama"]), cast=Cast(), year=0, rating="")
    assert (list(title.genres), list(title.cast), title.year, title.rating) == (["Drama"], [], 0, "")
    assert (title.name, list(title.tags), title.minimum_age) == ("Nosferatu", ["vampires"], 12)


@pytest.mark.usefixtures("silver")
async def test_the_window_is_taken_away_before_a_new_one_is_set(house: House) -> None:
    title_id = await create(house, **WHOLE)
    title = await update(house, title_id, clear_availability=True, available_until=Timestamp(seconds=500))
    assert (title.HasField("available_from"), title.available_until.seconds) == (False, 500)


async def test_a_window_may_end_in_the_last_second_that_there_is(house: House) -> None:
    last = 253_402_300_799
    title_id = await create(house, available_until=Timestamp(seconds=last, nanos=999_999_900))
    assert (await get(house, title_id)).available_until == Timestamp(seconds=last)


async def test_a_genre_is_kept_once_whatever_its_case(house: House) -> None:
    title = await get(house, await create(house, genres=["Film noir", "Crime", " FILM  NOIR "]))
    assert list(title.genres) == ["Film noir", "Crime"]


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"synopsis": "x" * 5001}, "synopsis"),
    ({"genres": ["g"] * 11}, "genres"),
    ({"genres": ["x" * 65]}, "genres"),
    ({"genres": [""]}, "genres"),
    ({"tags": ["t"] * 51}, "tags"),
    ({"tags": ["a\nb"]}, "tags"),
    ({"cast": [CastMember(name="A")] * 101}, "cast"),
    ({"cast": [CastMember(role="director")]}, "cast"),
    ({"cast": [CastMember(name="A", role="x" * 101)]}, "cast"),
    ({"year": 1492}, "year"),
    ({"year": -1}, "year"),
    ({"original_language": "de"}, "original_language"),
    ({"rating": "x" * 21}, "rating"),
    ({"minimum_age": 100}, "minimum_age"),
    ({"minimum_age": -1}, "minimum_age"),
    ({"plan_id": "Silver"}, "plan_id"),
    ({"plan_id": "x" * 65}, "plan_id"),
    ({"available_from": Timestamp(seconds=-1)}, "available_from"),
    ({"available_until": Timestamp(seconds=2**62)}, "available_until"),
    ({"available_until": Timestamp(nanos=-5)}, "available_until"),
    ({"available_from": Timestamp(seconds=9), "available_until": Timestamp(seconds=9)}, "available_until"),
    ({"kind": 77}, "kind"),
    ({"parent_id": "0" * 26}, "parent_id"),
    ({"number": 3}, "number"),
]


@pytest.mark.parametrize(("fields", "named"), BEYOND)
async def test_what_is_beyond_its_bounds_is_refused_by_name(house: House, fields: dict[str, Any], named: str) -> None:
    async with refusal("INVALID_ARGUMENT", named):
        await create(house, **{"name": "A film", **fields})


class TestPlans:
    async def test_a_title_needs_a_plan_that_there_is(self, house: House) -> None:
        title_id = await create(house)
        async with refusal("INVALID_ARGUMENT", "there is no plan 'gold'"):
            await create(house, plan_id="gold")
        async with refusal("INVALID_ARGUMENT", "there is no plan 'gold'"):
            await update(house, title_id, plan_id="gold")
        await make_plan(house, "gold")
        assert (await update(house, title_id, plan_id="gold")).plan_id == "gold"

    async def test_a_plan_off_the_offer_is_still_one(self, house: House) -> None:
        await make_plan(house, "gold")
        needing = await create(house, plan_id="gold")
        await house.subscriptions.RetirePlan(RetirePlanRequest(plan_id="gold"), metadata=await house.admin())
        assert (await update(house, needing, name="Another")).plan_id == "gold"
        assert (await get(house, await create(house, plan_id="gold"))).plan_id == "gold"

    async def test_what_was_entered_before_there_was_a_check_can_be_edited_and_freed(self, house: House) -> None:
        title_id = await create(house)
        async with house.written() as connection:
            await rewrite(connection, title_id, plan_id="gold")
        assert (await update(house, title_id, name="Another")).plan_id == "gold"
        assert (await update(house, title_id, plan_id="")).plan_id == ""


class TestHierarchy:
    async def test_seasons_stand_below_series_and_episodes_below_both(self, house: House) -> None:
        series = await create(house, "Heimat", TITLE_KIND_SERIES)
        season = await create(house, "Heimat 1", TITLE_KIND_SEASON, parent_id=series, number=1)
        await create(house, "Fernweh", TITLE_KIND_EPISODE, parent_id=season, number=1)
        await create(house, "A special", TITLE_KIND_EPISODE, parent_id=series, number=1)
        assert await listed(house, await house.admin(), parent_id=series) == ["A special", "Heimat 1"]

    @pytest.mark.parametrize(
        ("kind", "above"),
        [
            (TITLE_KIND_SEASON, TITLE_KIND_FILM),
            (TITLE_KIND_EPISODE, TITLE_KIND_FILM),
            (TITLE_KIND_FILM, TITLE_KIND_SERIES),
            (TITLE_KIND_SERIES, TITLE_KIND_SERIES),
        ],
    )
    async def test_nothing_stands_elsewhere(self, house: House, kind: int, above: int) -> None:
        parent_id = await create(house, "Above", above)
        async with refusal("INVALID_ARGUMENT", "belongs to"):
            await create(house, "Below", kind, parent_id=parent_id, number=1)

    @pytest.mark.parametrize("fields", [{"number": 1}, {"parent_id": "series"}, {"parent_id": "series", "number": -1}])
    async def test_a_season_needs_its_series_and_a_number_from_1(self, house: House, fields: dict[str, Any]) -> None:
        series = await create(house, "Heimat", TITLE_KIND_SERIES)
        given = {**fields, **({"parent_id": series} if "parent_id" in fields else {})}
        async with refusal("INVALID_ARGUMENT", "number"):
            await create(house, "Heimat 1", TITLE_KIND_SEASON, **given)

    async def test_a_parent_that_is_not_there_is_not_found(self, house: House) -> None:
        async with refusal("NOT_FOUND", "parent_id"):
            await create(house, "Lost", TITLE_KIND_SEASON, parent_id="0" * 26, number=1)

    async def test_a_season_cannot_be_put_below_itself_or_below_an_episode(self, house: House) -> None:
        series = await create(house, "Heimat", TITLE_KIND_SERIES)
        season = await create(house, "Heimat 1", TITLE_KIND_SEASON, parent_id=series, number=1)
        episode = await create(house, "Fernweh", TITLE_KIND_EPISODE, parent_id=season, number=1)
        for parent_id in (season, episode):
            async with refusal("INVALID_ARGUMENT", "belongs to"):
                await update(house, season, parent_id=parent_id)

    async def test_an_episode_moves_to_another_season(self, house: House) -> None:
        series = await create(house, "Heimat", TITLE_KIND_SERIES)
        seasons = [await create(house, f"{n}", TITLE_KIND_SEASON, parent_id=series, number=n) for n in (1, 2)]
        episode = await create(house, "Fernweh", TITLE_KIND_EPISODE, parent_id=seasons[0], number=1)
        title = await update(house, episode, parent_id=seasons[1], number=7)
        assert (title.parent_id, title.number) == (seasons[1], 7)


async def test_viewers_make_no_titles(house: House) -> None:
    async with refusal("PERMISSION_DENIED"):
        await house.catalogue.CreateTitle(CreateTitleRequest(), metadata=await house.person("viewer"))
