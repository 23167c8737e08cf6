"""Versions of a title's media: a new one is played at once, an older one again after a rollback."""

import pytest

from control.catalogue.deletion import REPLACED
from protos.v1.catalogue_pb2 import (
    TITLE_KIND_SERIES,
    TITLE_STATE_DRAFT,
    TITLE_STATE_PUBLISHED,
    ActivateAssetRequest,
    DeleteAssetRequest,
    ListAssetsRequest,
    UnpublishTitleRequest,
)
from protos.v1.playback_pb2 import GetGrantRequest
from tests.catalogue import announced, create, get
from tests.control_house import ASSET, House, refusal
from tests.edges import listening, revoked
from tests.patience import until

pytestmark = pytest.mark.anyio

SECOND = "b" * 26


async def two_versions(house: House) -> str:
    """The id of a title whose second version is played."""
    title_id = await house.film()
    await new_version(house, title_id)
    return title_id


async def new_version(house: House, title_id: str, asset_id: str = SECOND) -> None:
    house.clock.turn(1)
    await house.upload(f"upload-{asset_id[:1]}", title_id=title_id)
    await house.publish(await house.leased(), asset_id)


async def versions(house: House, title_id: str) -> list[tuple[str, bool]]:
    request = ListAssetsRequest(title_id=title_id)
    found = (await house.catalogue.ListAssets(request, metadata=await house.admin())).assets
    return [(asset.asset_id, asset.active) for asset in found]


async def activate(house: House, title_id: str, asset_id: str) -> None:
    request = ActivateAssetRequest(title_id=title_id, asset_id=asset_id)
    await house.catalogue.ActivateAsset(request, metadata=await house.admin())


async def delete(house: House, title_id: str, asset_id: str) -> None:
    request = DeleteAssetRequest(title_id=title_id, asset_id=asset_id)
    await house.catalogue.DeleteAsset(request, metadata=await house.admin())


async def test_an_upload_for_a_title_becomes_its_newest_version_which_is_played_at_once(house: House) -> None:
    title_id = await two_versions(house)
    assert await versions(house, title_id) == [(SECOND, True), (ASSET, False)]
    title = await get(house, title_id)
    assert (title.name, title.asset_id, title.state) == ("A film", SECOND, TITLE_STATE_PUBLISHED)


async def test_a_draft_that_waited_for_its_upload_is_published_with_it(house: House) -> None:
    title_id = await create(house, "Waiting")
    await new_version(house, title_id)
    title = await get(house, title_id)
    assert (title.name, title.state, title.asset_id) == ("Waiting", TITLE_STATE_PUBLISHED, SECOND)


async def test_a_title_that_was_hidden_stays_so_with_its_new_version(house: House) -> None:
    title_id = await house.film()
    await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=title_id), metadata=await house.admin())
    await new_version(house, title_id)
    title = await get(house, title_id)
    assert (title.state, title.asset_id) == (TITLE_STATE_DRAFT, SECOND)
    assert [event.asset_id for event in await announced(house)] == [ASSET]


async def test_each_new_active_version_is_announced(house: House) -> None:
    title_id = await two_versions(house)
    await activate(house, title_id, ASSET)
    await activate(house, title_id, ASSET)
    assert [(event.title_id, event.asset_id) for event in await announced(house)] == [
        (title_id, ASSET), (title_id, SECOND), (title_id, ASSET)
    ]  # fmt: skip


async def test_who_watches_goes_on_when_another_version_is_activated(house: House) -> None:
    title_id, admin = await two_versions(house), await house.admin()
    begun = (await house.play(title_id, admin)).session_id
    await activate(house, title_id, ASSET)
    grant = GetGrantRequest(session_id=begun, asset_id=SECOND)
    assert (await house.edges.GetGrant(grant, metadata=house.service)).grant.asset_id == SECOND
    assert f"/{ASSET}" in (await house.play(title_id, admin)).hls


async def test_the_same_film_again_is_the_version_that_is_there(house: House) -> None:
    title_id = await two_versions(house)
    await house.upload("upload-3", title_id=title_id)
    await house.publish(await house.leased(), ASSET)
    assert await versions(house, title_id) == [(SECOND, False), (ASSET, True)]


async def test_a_version_that_is_not_played_is_removed_with_its_objects(house: House) -> None:
    title_id = await two_versions(house)
    for asset_id in (ASSET, SECOND):
        await house.store.put(f"assets/{asset_id}/v1080.mp4", b"bytes")
    await delete(house, title_id, ASSET)
    assert await versions(house, title_id) == [(SECOND, True)]
    folder = house.settings.data / "objects" / "assets"
    await until(lambda: not (folder / ASSET).exists())
    assert (folder / SECOND / "v1080.mp4").exists()


async def test_the_version_that_is_played_cannot_be_removed(house: House) -> None:
    title_id = await two_versions(house)
    async with refusal("FAILED_PRECONDITION", "activate another"):
        await delete(house, title_id, SECOND)


async def test_a_version_that_is_watched_cannot_be_removed(house: House) -> None:
    title_id = await two_versions(house)
    await house.play(title_id, await house.admin())
    await activate(house, title_id, ASSET)
    async with refusal("FAILED_PRECONDITION", "being watched"):
        await delete(house, title_id, SECOND)
    house.clock.turn(30 * 86_400)
    await delete(house, title_id, SECOND)


async def test_who_comes_back_to_a_version_that_was_removed_meanwhile_is_told(house: House) -> None:
    title_id, admin = await two_versions(house), await house.admin()
    session_id = (await house.play(title_id, admin)).session_id
    await activate(house, title_id, ASSET)
    house.clock.turn(61)
    async with listening(house) as edge:
        await delete(house, title_id, SECOND)
        assert await revoked(edge) == [(session_id, REPLACED)]


async def test_a_version_of_another_title_is_not_found(house: House) -> None:
    title_id, other = await house.film(), await house.film("upload-9", "Another", SECOND)
    for act in (activate, delete):
        async with refusal("NOT_FOUND", "no such version"):
            await act(house, title_id, SECOND)
    assert await versions(house, other) == [(SECOND, True)]


async def test_an_upload_for_a_title_that_is_not_there_is_not_found(house: House) -> None:
    async with refusal("NOT_FOUND", "no such title"):
        await house.upload(title_id="0" * 26)
    async with refusal("INVALID_ARGUMENT", "title_id"):
        await house.upload(title_id="../x")


async def test_a_series_takes_no_upload(house: House) -> None:
    title_id = await create(house, "Heimat", TITLE_KIND_SERIES)
    async with refusal("FAILED_PRECONDITION", "no media"):
        await house.upload(title_id=title_id)


async def test_a_repeated_upload_for_a_title_has_one_job(house: House) -> None:
    title_id = await house.film()
    first = await house.upload("upload-2", title_id=title_id)
    assert await house.upload("upload-2", title_id=title_id) == first
    assert first.title_id == title_id


async def test_a_lost_answer_is_repeated_although_another_version_is_active_since(house: House) -> None:
    title_id = await house.film()
    await house.upload("upload-2", title_id=title_id)
    lease = await house.leased()
    await house.publish(lease, SECOND)
    await activate(house, title_id, ASSET)
    await house.publish(lease, SECOND)
    assert await versions(house, title_id) == [(SECOND, False), (ASSET, True)]
