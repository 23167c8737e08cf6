"""A title whose window opens is announced, once, whatever happens between; and pages hear of one whose window ends."""

import asyncio
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from control.catalogue.premieres import Closings, Premieres
from protos.v1.catalogue_pb2 import PublishTitleRequest, UnpublishTitleRequest
from protos.v1.events_pb2 import TitlePublished
from tests.catalogue import create, update
from tests.control_house import ASSET, House, TurnedClock, running_control
from tests.patience import until

pytestmark = pytest.mark.anyio

HOUR = 3_600


async def premiere(house: House, asset_id: str = ASSET) -> str:
    """The id of a title that viewers will see in an hour."""
    title_id = await create(house, "Solaris", available_from=Timestamp(seconds=int(house.clock()) + HOUR))
    await new_version(house, title_id, asset_id)
    return title_id


async def new_version(house: House, title_id: str, asset_id: str) -> None:
    house.clock.turn(1)
    await house.upload(f"upload-{asset_id[:1]}", title_id=title_id)
    await house.publish(await house.leased(), asset_id)


async def make_rounds(house: House) -> None:
    """Rounds of two processes, at the same time."""
    async with house.database() as one, house.database() as other:
        await asyncio.gather(Premieres(one, house.clock)(), Premieres(other, house.clock)())


async def told(house: House) -> list[tuple[str, str, str]]:
    return [(event.title_id, event.name, event.asset_id) for event in await house.events(TitlePublished)]


async def test_it_is_announced_once_when_its_window_opens(house: House) -> None:
    title_id = await premiere(house)
    await make_rounds(house)
    assert await told(house) == []
    house.clock.turn(HOUR)
    await make_rounds(house)
    await make_rounds(house)
    assert await told(house) == [(title_id, "Solaris", ASSET)]


async def test_it_is_announced_by_a_control_that_was_away_when_its_window_opened(
    tmp_path: Path, house_database_url: str
) -> None:
    clock = TurnedClock()
    async with running_control(tmp_path, clock, database={"url": house_database_url}) as house:
        title_id = await premiere(house)
        assert await told(house) == []
    clock.turn(HOUR)
    for _ in range(2):
        async with running_control(tmp_path, clock, database={"url": house_database_url}) as house:

            async def announced(house: House = house) -> bool:
                return await told(house) == [(title_id, "Solaris", ASSET)]

            await until(announced)


async def test_what_is_played_by_then_is_announced_and_no_version_before_it(house: House) -> None:
    title_id = await premiere(house)
    await new_version(house, title_id, "b" * 26)
    house.clock.turn(HOUR)
    await make_rounds(house)
    assert await told(house) == [(title_id, "Solaris", "b" * 26)]


async def test_one_that_is_hidden_before_is_not_announced_until_it_is_published_again(house: House) -> None:
    title_id, admin = await premiere(house), await house.admin()
    await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=title_id), metadata=admin)
    house.clock.turn(HOUR)
    await make_rounds(house)
    assert await told(house) == []
    await house.catalogue.PublishTitle(PublishTitleRequest(title_id=title_id), metadata=await house.admin())
    assert await told(house) == [(title_id, "Solaris", ASSET)]


async def test_a_window_that_is_opened_by_hand_needs_no_waiting(house: House) -> None:
    title_id = await premiere(house)
    await update(house, title_id, clear_availability=True)

    async def announced() -> bool:
        return await told(house) == [(title_id, "Solaris", ASSET)]

    await until(announced)


async def test_one_that_was_seen_before_its_window_was_put_off_is_announced_again(house: House) -> None:
    title_id = await house.film()
    await update(house, title_id, available_from=Timestamp(seconds=int(house.clock()) + HOUR))
    await make_rounds(house)
    assert len(await told(house)) == 1
    house.clock.turn(HOUR)
    await make_rounds(house)
    assert [announced for announced, _, _ in await told(house)] == [title_id, title_id]


async def test_one_whose_window_is_only_prolonged_is_not_announced_again(house: House) -> None:
    title_id = await house.film()
    await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) + HOUR))
    await make_rounds(house)
    assert len(await told(house)) == 1


async def test_every_control_tells_its_pages_once_of_a_window_that_ends(house: House) -> None:
    title_id, later = await house.film(), await create(house, "Stalker")
    await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) + HOUR))
    await update(house, later, available_until=Timestamp(seconds=int(house.clock()) + 2 * HOUR))
    heard: list[list[str]] = []
    async with house.database() as database:
        rounds = [Closings(database, house.clock, lambda ids: heard.append(list(ids))) for _ in range(2)]
        for seconds in (0, HOUR, HOUR):
            house.clock.turn(seconds)
            for make in rounds:
                await make()
    assert heard == [[title_id], [title_id]]  # and nothing of a draft
