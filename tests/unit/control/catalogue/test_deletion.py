"""Titles that are deleted: not under those who watch them, unless by force."""

import pytest

from protos.v1.catalogue_pb2 import TITLE_KIND_EPISODE, TITLE_KIND_SEASON, TITLE_KIND_SERIES, DeleteTitleRequest
from protos.v1.playback_pb2 import GetGrantRequest, PausePlaybackRequest
from tests.catalogue import create, get, listed
from tests.control_house import ASSET, House, refusal
from tests.patience import until

pytestmark = pytest.mark.anyio


async def delete(house: House, title_id: str, *, force: bool = False) -> None:
    request = DeleteTitleRequest(title_id=title_id, force=force)
    await house.catalogue.DeleteTitle(request, metadata=await house.admin())


async def test_a_title_that_is_watched_stays_until_nobody_watches_it(house: House) -> None:
    title_id = await house.film()
    await house.play(title_id, await house.admin())
    async with refusal("FAILED_PRECONDITION", "being watched (1 playback session)"):
        await delete(house, title_id)
    assert (await get(house, title_id)).asset_id == ASSET
    house.clock.turn(30 * 86_400)
    await delete(house, title_id)
    assert await listed(house, await house.admin()) == []


async def test_a_player_that_has_vanished_keeps_no_title(house: House) -> None:
    title_id = await house.film()
    await house.play(title_id, await house.admin())
    house.clock.turn(61)
    await delete(house, title_id)
    assert await listed(house, await house.admin()) == []


async def test_who_has_paused_keeps_it(house: House) -> None:
    title_id, admin = await house.film(), await house.admin()
    request = PausePlaybackRequest(session_id=(await house.play(title_id, admin)).session_id)
    await house.playback.PausePlayback(request, metadata=admin)
    house.clock.turn(61)
    async with refusal("FAILED_PRECONDITION", "being watched"):
        await delete(house, title_id)


async def test_by_force_playback_ends(house: House) -> None:
    title_id = await house.film()
    session_id = (await house.play(title_id, await house.admin())).session_id
    await delete(house, title_id, force=True)
    async with refusal("PERMISSION_DENIED", "the title was deleted"):
        await house.edges.GetGrant(GetGrantRequest(session_id=session_id, asset_id=ASSET), metadata=house.service)


async def test_a_series_stays_while_it_has_episodes_and_goes_with_them_by_force(house: House) -> None:
    series = await create(house, "Heimat", TITLE_KIND_SERIES)
    season = await create(house, "Heimat 1", TITLE_KIND_SEASON, parent_id=series, number=1)
    await create(house, "Fernweh", TITLE_KIND_EPISODE, parent_id=season, number=1)
    for title_id in (series, season):
        async with refusal("FAILED_PRECONDITION", "episodes"):
            await delete(house, title_id)
    await delete(house, series, force=True)
    assert await listed(house, await house.admin()) == []


async def test_every_version_and_picture_of_a_deleted_title_is_removed(house: House) -> None:
    title_id = await house.film()
    await house.upload("upload-2", title_id=title_id)
    await house.publish(await house.leased(), "b" * 26)
    keys = [f"assets/{ASSET}/v.mp4", f"assets/{'b' * 26}/v.mp4", f"artwork/{title_id}/v1/160.jpg", "uploads/upload-2/0"]
    for key in keys:
        await house.store.put(key, b"bytes")
    await delete(house, title_id)
    folder = house.settings.data / "objects"
    await until(lambda: not any((folder / key).exists() for key in keys))
