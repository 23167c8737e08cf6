"""What the plan of a series means for its episodes: they need it too, and are watched by its tags."""

import pytest

from protos.v1.catalogue_pb2 import TITLE_KIND_EPISODE, TITLE_KIND_SEASON, TITLE_KIND_SERIES
from protos.v1.catalogue_pb2 import Words as Tags
from protos.v1.playback_pb2 import GetGrantRequest
from tests.catalogue import create, update
from tests.control_house import ASSET, House, refusal
from tests.offers import make_plan, subscribe

pytestmark = pytest.mark.anyio


class Heimat:
    """A series with a season and an episode that can be played."""

    series: str
    season: str
    episode: str


@pytest.fixture
async def heimat(house: House) -> Heimat:
    made = Heimat()
    made.series = await create(house, "Heimat", TITLE_KIND_SERIES)
    made.season = await create(house, "Heimat 1", TITLE_KIND_SEASON, parent_id=made.series, number=1)
    made.episode = await create(house, "Fernweh", TITLE_KIND_EPISODE, parent_id=made.season, number=1)
    await house.upload(title_id=made.episode)
    await house.publish(await house.leased())
    await make_plan(house, "basic", level=1)
    await make_plan(house, "cinema", level=2)
    return made


async def test_an_episode_needs_the_plan_of_its_series(house: House, heimat: Heimat) -> None:
    viewer = await house.person("viewer")
    await update(house, heimat.series, plan_id="cinema")
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'Cinema'"):
        await house.play(heimat.episode, viewer)
    await subscribe(house, viewer, "cinema")
    assert (await house.play(heimat.episode, viewer)).session_id


async def test_the_plan_of_a_season_goes_before_that_of_its_series_and_its_own_before_both(
    house: House, heimat: Heimat
) -> None:
    viewer = await house.person("viewer")
    await subscribe(house, viewer, "basic")
    await update(house, heimat.series, plan_id="cinema")
    await update(house, heimat.season, plan_id="basic")
    assert (await house.play(heimat.episode, viewer)).session_id
    await update(house, heimat.episode, plan_id="cinema")
    async with refusal("PERMISSION_DENIED", "this title needs the plan 'Cinema'"):
        await house.play(heimat.episode, viewer)


async def test_the_tags_of_a_series_are_those_of_its_episodes(house: House, heimat: Heimat) -> None:
    viewer = await house.person("viewer")
    await make_plan(house, "kids", level=1, tags=["kids"])
    await subscribe(house, viewer, "kids")
    await update(house, heimat.series, plan_id="basic")
    async with refusal("PERMISSION_DENIED", "your plan 'Kids' does not include this title"):
        await house.play(heimat.episode, viewer)
    await update(house, heimat.series, tags=Tags(words=["Kids"]))
    assert (await house.play(heimat.episode, viewer)).session_id


async def test_a_series_that_needs_a_plan_from_now_on_ends_what_plays_of_it(house: House, heimat: Heimat) -> None:
    session_id = (await house.play(heimat.episode, await house.person("viewer"))).session_id
    await update(house, heimat.series, plan_id="basic")
    async with refusal("PERMISSION_DENIED"):
        await house.edges.GetGrant(GetGrantRequest(session_id=session_id, asset_id=ASSET), metadata=house.service)


async def test_an_episode_that_is_moved_below_another_series_needs_its_plan(house: House, heimat: Heimat) -> None:
    session_id = (await house.play(heimat.episode, await house.person("viewer"))).session_id
    other = await create(house, "Other", TITLE_KIND_SERIES, plan_id="basic")
    await update(house, heimat.episode, parent_id=other)
    async with refusal("PERMISSION_DENIED"):
        await house.edges.GetGrant(GetGrantRequest(session_id=session_id, asset_id=ASSET), metadata=house.service)
