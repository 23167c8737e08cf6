"""What is gone is news: titles that viewers see no more to everybody, and a sign-in or a device to its account."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from protos.v1.auth_pb2 import LogoutRequest, RevokeSessionRequest
from protos.v1.catalogue_pb2 import (
    TITLE_KIND_SEASON,
    TITLE_KIND_SERIES,
    DeleteTitleRequest,
    PublishTitleRequest,
    UnpublishTitleRequest,
)
from protos.v1.playback_pb2 import PausePlaybackRequest, RemoveDeviceRequest
from tests.catalogue import create, update
from tests.control_house import House, Metadata, bearer, claims_of
from tests.streams import Stream

pytestmark = pytest.mark.anyio


async def test_a_title_that_is_deleted_is_news_to_who_has_paused_it(house: House, viewer: Metadata) -> None:
    title_id, stream = await house.film(), await Stream.watch(house, viewer)
    paused = PausePlaybackRequest(session_id=(await house.play(title_id, viewer)).session_id)
    await house.playback.PausePlayback(paused, metadata=viewer)
    request = DeleteTitleRequest(title_id=title_id, force=True)
    await house.catalogue.DeleteTitle(request, metadata=await house.admin())
    await less(stream)


@pytest.mark.parametrize("withdrawn", ["deleted", "unpublished", "off"])
async def test_everybody_hears_of_a_title_that_is_shown_no_more(house: House, viewer: Metadata, withdrawn: str) -> None:
    title_id, admin = await house.film(), await house.admin()
    pages = [await Stream.watch(house, viewer), await Stream.watch(house, admin)]
    if withdrawn == "deleted":
        await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id), metadata=admin)
    elif withdrawn == "unpublished":
        await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=title_id), metadata=admin)
    else:
        await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) - 1))
    for page in pages:
        assert await gone(page) == [title_id]


async def test_all_titles_that_go_together_are_one_piece_of_news(house: House, viewer: Metadata) -> None:
    series = await create(house, "Heimat", TITLE_KIND_SERIES)
    season = await create(house, "One", TITLE_KIND_SEASON, parent_id=series, number=1)
    for title_id in (series, season):
        await house.catalogue.PublishTitle(PublishTitleRequest(title_id=title_id), metadata=await house.admin())
    page = await Stream.watch(house, viewer)
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=series, force=True), metadata=await house.admin())
    assert await gone(page) == sorted([series, season])


async def test_nobody_hears_of_a_title_that_viewers_did_not_see(house: House, viewer: Metadata) -> None:
    draft, admin = await create(house, "Secret"), await house.admin()
    early, page = await house.film(), await Stream.watch(house, viewer)
    await update(house, early, available_from=Timestamp(seconds=int(house.clock()) + 3_600))
    assert await gone(page) == [early]
    await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=early), metadata=admin)
    for title_id in (early, draft):
        await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id), metadata=admin)
    seen = await house.film()
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=seen), metadata=admin)
    assert await gone(page) == [seen]


async def test_everybody_hears_of_a_title_whose_window_ends_by_itself(house: House, viewer: Metadata) -> None:
    title_id, other = await house.film(), await create(house, "Other")
    await update(house, title_id, available_until=Timestamp(seconds=int(house.clock()) + 10))
    page = await Stream.watch(house, viewer)
    house.clock.turn(10)
    await update(house, other, available_from=Timestamp(seconds=int(house.clock())))  # which has a round made at once
    assert await gone(page) == [title_id]


async def gone(page: Stream) -> list[str]:
    """The titles that a page hears of next as shown no more."""
    return list((await page.next_of("withdrawal")).withdrawal.title_ids)


async def test_a_device_that_is_removed_is_news(house: House, viewer: Metadata) -> None:
    await house.play(await house.film(), viewer, device_id="tv")
    page = await Stream.watch(house, viewer)
    await house.playback.RemoveDevice(RemoveDeviceRequest(device_id="tv"), metadata=viewer)
    await less(page)


async def test_a_sign_in_that_ends_is_news_to_the_others(house: House) -> None:
    page = await Stream.watch(house, await house.admin())
    signed_out, revoked = await house.sign_in(), await house.sign_in()
    await house.auth.Logout(LogoutRequest(refresh_token=signed_out.refresh_token))
    await less(page)
    session_id = claims_of(bearer(revoked.access_token))["sid"]
    await house.auth.RevokeSession(RevokeSessionRequest(session_id=session_id), metadata=await house.admin())
    await less(page)


async def less(page: Stream) -> None:
    """Wait until a page hears that its account has a sign-in, a device or a title less."""
    await page.next_of("account")
