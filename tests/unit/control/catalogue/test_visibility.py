"""Who sees a title, and when: in lists, in searches, alone, and at play."""

from collections.abc import Awaitable, Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from control.catalogue.visibility import visible, watchable
from control.database.titles import Title
from protos.v1.catalogue_pb2 import (
    TITLE_KIND_SERIES,
    TITLE_STATE_PUBLISHED,
    GetPosterRequest,
    PublishTitleRequest,
    UnpublishTitleRequest,
)
from tests.catalogue import announced, create, found, get, listed, update
from tests.control_house import ASSET, House, Metadata, refusal

pytestmark = pytest.mark.anyio

HOUR = 3_600.0


@pytest.mark.parametrize(
    ("begin", "end", "seen"),
    [
        (None, None, True),
        (10.0, None, True),
        (10.5, None, False),
        (None, 10.0, False),
        (None, 10.5, True),
        (5.0, 20.0, True),
    ],
)
def test_the_window_holds_its_begin_and_not_its_end(begin: float | None, end: float | None, seen: bool) -> None:
    title = Title("t", "A film", 0.0, published=True, asset_id="a", available_from=begin, available_until=end)
    assert (visible(title, 10.0), watchable(title, 10.0)) == (seen, seen)


def test_a_series_is_seen_and_not_played() -> None:
    series = Title("t", "A series", 0.0, published=True, kind="series")
    assert (visible(series, 10.0), watchable(series, 10.0)) == (True, False)


async def play(house: House, title_id: str, person: Metadata) -> None:
    await house.play(title_id, person)


async def poster(house: House, title_id: str, person: Metadata) -> None:
    await house.catalogue.GetPoster(GetPosterRequest(title_id=title_id), metadata=person)


async def get_alone(house: House, title_id: str, person: Metadata) -> None:
    await get(house, title_id, person)


WAYS: list[Callable[[House, str, Metadata], Awaitable[None]]] = [play, poster, get_alone]


async def hidden(house: House, title_id: str, viewer: Metadata) -> None:
    """Nobody who may only watch learns of the title in any way."""
    assert await listed(house, viewer) == await found(house, viewer, "film") == []
    for way in WAYS:
        async with refusal("NOT_FOUND", "no such title"):
            await way(house, title_id, viewer)


async def test_outside_its_window_a_title_is_hidden_from_viewers(house: House) -> None:
    title_id, viewer = await house.film(), await house.person("viewer")
    await house.store.put(f"assets/{ASSET}/poster.jpg", b"\xff\xd8")
    now = int(house.clock())
    window = {"available_from": Timestamp(seconds=now + 100), "available_until": Timestamp(seconds=now + 200)}
    await update(house, title_id, **window)
    await hidden(house, title_id, viewer)
    house.clock.turn(150)
    assert await listed(house, viewer) == await found(house, viewer, "film") == ["A film"]
    for way in WAYS:
        await way(house, title_id, viewer)
    house.clock.turn(100)
    await hidden(house, title_id, viewer)
    assert await listed(house, await house.admin()) == ["A film"]


async def test_a_draft_is_hidden_from_viewers(house: House) -> None:
    title_id = await create(house)
    await hidden(house, title_id, await house.person("viewer"))
    assert await found(house, await house.admin(), "film") == ["A film"]


async def test_an_unpublished_title_is_hidden_until_it_is_published_again(house: House) -> None:
    title_id, viewer, admin = await house.film(), await house.person("viewer"), await house.admin()
    session = await house.play(title_id, viewer)
    await house.catalogue.UnpublishTitle(UnpublishTitleRequest(title_id=title_id), metadata=admin)
    await hidden(house, title_id, viewer)
    assert session.session_id
    await house.catalogue.PublishTitle(PublishTitleRequest(title_id=title_id), metadata=admin)
    assert await listed(house, viewer) == ["A film"]


async def test_a_film_without_media_cannot_be_published(house: House) -> None:
    async with refusal("FAILED_PRECONDITION", "no media"):
        request = PublishTitleRequest(title_id=await create(house))
        await house.catalogue.PublishTitle(request, metadata=await house.admin())


async def test_a_series_needs_no_media_to_be_published(house: House) -> None:
    title_id = await create(house, "Heimat", TITLE_KIND_SERIES)
    request = PublishTitleRequest(title_id=title_id)
    title = (await house.catalogue.PublishTitle(request, metadata=await house.admin())).title
    assert title.state == TITLE_STATE_PUBLISHED
    (event,) = await announced(house)
    assert (event.title_id, event.name, event.kind, event.asset_id) == (title_id, "Heimat", "series", "")


async def test_publishing_what_is_published_says_nothing_new(house: House) -> None:
    title_id = await house.film()
    await house.catalogue.PublishTitle(PublishTitleRequest(title_id=title_id), metadata=await house.admin())
    assert len(await announced(house)) == 1
