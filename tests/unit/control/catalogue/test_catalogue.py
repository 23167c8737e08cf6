"""CatalogueService over the wire."""

from typing import Any

import pytest

from protos.v1.catalogue_pb2 import (
    TITLE_STATE_DRAFT,
    TITLE_STATE_PUBLISHED,
    DeleteTitleRequest,
    GetPosterRequest,
    GetTitleRequest,
    ListTitlesRequest,
    UpdateTitleRequest,
)
from protos.v1.jobs_pb2 import HeartbeatRequest
from protos.v1.playback_pb2 import GetGrantRequest
from tests.control_house import ASSET, House, Metadata, refusal
from tests.patience import until

pytestmark = pytest.mark.anyio


async def viewer(house: House) -> Metadata:
    """What somebody sends along who may only watch."""
    return await house.person("viewer")


async def names(house: House, metadata: Metadata) -> list[str]:
    return [title.name for title in (await house.catalogue.ListTitles(ListTitlesRequest(), metadata=metadata)).titles]


async def test_publishers_see_drafts_and_viewers_do_not(house: House) -> None:
    await house.film(name="Done")
    await house.upload("upload-2", name="In work")
    assert await names(house, await house.admin()) == ["In work", "Done"]
    assert await names(house, await viewer(house)) == ["Done"]


async def test_a_draft_is_not_found_by_a_viewer(house: House) -> None:
    request = GetTitleRequest(title_id=(await house.upload()).title_id)
    assert (await house.catalogue.GetTitle(request, metadata=await house.admin())).title.state == TITLE_STATE_DRAFT
    async with refusal("NOT_FOUND"):
        await house.catalogue.GetTitle(request, metadata=await viewer(house))


async def test_a_published_title_shows_its_asset(house: House) -> None:
    request = GetTitleRequest(title_id=await house.film(name="  Nosferatu  "))
    title = (await house.catalogue.GetTitle(request, metadata=await viewer(house))).title
    assert (title.name, title.state, title.asset_id) == ("Nosferatu", TITLE_STATE_PUBLISHED, ASSET)
    assert (title.duration_seconds, title.width, title.height) == (60.5, 1920, 1080)
    assert list(title.audio_languages) == ["eng", "deu"]
    assert title.published_at.ToSeconds() >= title.created_at.ToSeconds() > 0


async def test_pages_follow_each_other_newest_first(house: House) -> None:
    for number in range(5):
        await house.upload(f"upload-{number}", name=f"Film {number}")
    admin, token = await house.admin(), ""
    pages: list[list[str]] = []
    while token or not pages:
        request = ListTitlesRequest(page_size=2, page_token=token)
        answer = await house.catalogue.ListTitles(request, metadata=admin)
        pages.append([title.name for title in answer.titles])
        token = answer.next_page_token
    assert pages == [["Film 4", "Film 3"], ["Film 2", "Film 1"], ["Film 0"]]


async def test_a_page_that_cannot_be_is_refused(house: House) -> None:
    for request in (ListTitlesRequest(page_size=-1), ListTitlesRequest(page_token="nonsense")):
        async with refusal("INVALID_ARGUMENT", "page_"):
            await house.catalogue.ListTitles(request, metadata=await house.admin())


async def test_only_what_is_given_is_updated(house: House) -> None:
    admin, title_id = await house.admin(), await house.film(name="Old")
    await house.catalogue.UpdateTitle(UpdateTitleRequest(title_id=title_id, name="New"), metadata=admin)
    request = UpdateTitleRequest(title_id=title_id, synopsis="A count\nmoves house.")
    title = (await house.catalogue.UpdateTitle(request, metadata=admin)).title
    assert (title.name, title.synopsis) == ("New", "A count\nmoves house.")


BAD_TEXTS: list[dict[str, Any]] = [
    {"name": ""},
    {"name": "a\nb"},
    {"name": "a\0b"},
    {"name": "x" * 201},
    {"synopsis": "x" * 5001},
    {"synopsis": "\0"},
]


async def test_a_text_that_cannot_be_is_refused(house: House) -> None:
    title_id, admin = (await house.upload()).title_id, await house.admin()
    for fields in BAD_TEXTS:
        async with refusal("INVALID_ARGUMENT"):
            await house.catalogue.UpdateTitle(UpdateTitleRequest(title_id=title_id, **fields), metadata=admin)


async def test_what_is_no_id_is_refused(house: House) -> None:
    admin = await house.admin()
    for title_id in ("", "../../etc", "\0", "0" * 25 + "z"):
        async with refusal("INVALID_ARGUMENT", "title_id"):
            await house.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=admin)


async def test_a_viewer_may_not_change_titles(house: House) -> None:
    title_id, person = await house.film(), await viewer(house)
    async with refusal("PERMISSION_DENIED"):
        await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id), metadata=person)


async def test_the_poster_is_the_one_of_the_asset(house: House) -> None:
    title_id = await house.film()
    await house.store.put(f"assets/{ASSET}/poster.jpg", b"\xff\xd8 a picture")
    body = await house.catalogue.GetPoster(GetPosterRequest(title_id=title_id), metadata=await viewer(house))
    assert (body.content_type, body.data) == ("image/jpeg", b"\xff\xd8 a picture")


async def test_a_title_without_a_poster(house: House) -> None:
    title_id = await house.film()
    async with refusal("NOT_FOUND"):
        await house.catalogue.GetPoster(GetPosterRequest(title_id=title_id), metadata=await house.admin())


async def delete(house: House, title_id: str) -> None:
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=title_id, force=True), metadata=await house.admin())


async def test_a_deleted_title_is_gone_with_its_playback_sessions(house: House) -> None:
    title_id = await house.film()
    session_id = (await house.play(title_id, await house.admin())).session_id
    await delete(house, title_id)
    async with refusal("NOT_FOUND"):
        await house.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=await house.admin())
    async with refusal("PERMISSION_DENIED"):
        await house.edges.GetGrant(GetGrantRequest(session_id=session_id, asset_id=ASSET), metadata=house.service)


async def test_the_objects_of_a_deleted_title_are_removed_and_no_others(house: House) -> None:
    title_id = await house.film()
    removed = [f"assets/{ASSET}/v1080.mp4", "uploads/upload-1/info.json", "spans/upload-1/digest/1080.mp4"]
    kept = ["assets/" + "b" * 26 + "/v1080.mp4", "uploads/upload-2/info.json", "spans/upload-2/digest/1080.mp4"]
    for key in [*removed, *kept]:
        await house.store.put(key, b"bytes")
    await delete(house, title_id)
    folder = house.settings.data / "objects"
    await until(lambda: not any((folder / key).exists() for key in removed))
    assert all((folder / key).exists() for key in kept)


async def test_the_worker_of_a_deleted_title_is_told_to_stop(house: House) -> None:
    title_id = (await house.upload()).title_id
    lease = await house.leased()
    await delete(house, title_id)
    async with refusal("NOT_FOUND", "deleted"):
        await house.workers.Heartbeat(
            HeartbeatRequest(job_id=lease.job_id, fencing_token=lease.fencing_token), metadata=house.service
        )
