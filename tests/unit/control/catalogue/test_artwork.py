"""Posters and backdrops over the wire: what is sent, and what pages get."""

import asyncio
import io
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from google.api.httpbody_pb2 import HttpBody
from PIL import Image

from control.catalogue import artwork
from control.catalogue.artwork import POSTERS, Gallery
from control.database import Database
from matinee.rpc.metadata import CACHE_CONTROL_KEY, ETAG_KEY
from matinee.storage.opening import open_store
from protos.v1.catalogue_pb2 import GetBackdropRequest, GetPosterRequest, SetBackdropRequest, SetPosterRequest, Title
from tests.catalogue import create, get
from tests.control_house import ASSET, House, refusal
from tests.patience import PATIENCE, until
from tests.viewing import opened

pytestmark = pytest.mark.anyio


def picture(width: int = 800, height: int = 1200, colour: str = "red") -> HttpBody:
    written = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(written, "PNG")
    return HttpBody(content_type="image/png", data=written.getvalue())


async def set_poster(house: House, title_id: str, body: HttpBody) -> Title:
    request = SetPosterRequest(title_id=title_id, picture=body)
    return (await house.catalogue.SetPoster(request, metadata=await house.admin())).title


async def width_of(house: House, title_id: str, width: int) -> int:
    """The width of the poster that a page gets which needs that width."""
    request = GetPosterRequest(title_id=title_id, width=width)
    body = await house.catalogue.GetPoster(request, metadata=await house.admin())
    assert body.content_type == "image/jpeg"
    return Image.open(io.BytesIO(body.data)).width


async def told(house: House, **fields: Any) -> dict[str, Any]:
    """What control says of how a poster may be kept."""
    call = house.catalogue.GetPoster(GetPosterRequest(**fields), metadata=await house.admin())
    await call
    return dict(await call.trailing_metadata())


@pytest.mark.parametrize(
    ("needed", "given"), [(0, 640), (1, 160), (160, 160), (161, 320), (600, 640), (641, 640), (5_000, 640)]
)
async def test_a_page_gets_the_smallest_poster_that_is_wide_enough(house: House, needed: int, given: int) -> None:
    title_id = await create(house)
    await set_poster(house, title_id, picture())
    assert await width_of(house, title_id, needed) == given


async def test_the_poster_that_was_sent_wins_over_a_picture_of_the_film(house: House) -> None:
    title_id = await house.film()
    await house.store.put(f"assets/{ASSET}/poster.jpg", picture(64, 64).data)
    await set_poster(house, title_id, picture())
    assert await width_of(house, title_id, 0) == 640


async def test_with_each_poster_comes_a_version_under_which_it_is_kept_for_ever(house: House) -> None:
    title_id = await create(house)
    first = (await set_poster(house, title_id, picture())).poster_version
    second = (await set_poster(house, title_id, picture(colour="blue"))).poster_version
    assert len({"", first, second}) == 3
    assert (await get(house, title_id)).poster_version == second
    now = await told(house, title_id=title_id, version=second)
    assert now[CACHE_CONTROL_KEY] == "private, max-age=31536000, immutable"
    assert now[ETAG_KEY] == f'"{second}-640"'
    for version in (first, ""):
        assert CACHE_CONTROL_KEY not in await told(house, title_id=title_id, version=version)


async def test_the_picture_before_is_removed(house: House) -> None:
    title_id = await create(house)
    first = (await set_poster(house, title_id, picture())).poster_version
    second = (await set_poster(house, title_id, picture())).poster_version
    folder = house.settings.data / "objects" / "artwork" / title_id
    await until(lambda: not (folder / first).exists())
    assert {path.name for path in (folder / second).iterdir()} == {"160.jpg", "320.jpg", "640.jpg"}


async def test_a_backdrop_has_widths_and_a_version_of_its_own(house: House) -> None:
    title_id, admin = await create(house), await house.admin()
    async with refusal("NOT_FOUND", "no backdrop"):
        await house.catalogue.GetBackdrop(GetBackdropRequest(title_id=title_id), metadata=admin)
    request = SetBackdropRequest(title_id=title_id, picture=picture(2000, 1000))
    title = (await house.catalogue.SetBackdrop(request, metadata=admin)).title
    assert (bool(title.backdrop_version), title.poster_version) == (True, "")
    body = await house.catalogue.GetBackdrop(GetBackdropRequest(title_id=title_id, width=900), metadata=admin)
    assert Image.open(io.BytesIO(body.data)).size == (960, 480)


async def test_what_is_no_picture_changes_nothing(house: House) -> None:
    title_id = await create(house)
    version = (await set_poster(house, title_id, picture())).poster_version
    for data in (b"", b"GIF89a", picture().data[:50], b"\0" * (4 * 1024**2 + 1)):
        async with refusal("INVALID_ARGUMENT", "the picture"):
            await set_poster(house, title_id, HttpBody(data=data))
    assert (await get(house, title_id)).poster_version == version


async def test_a_picture_for_a_title_that_is_not_there_is_not_found(house: House) -> None:
    async with refusal("NOT_FOUND"):
        await set_poster(house, "0" * 26, picture())


async def test_viewers_set_no_pictures(house: House) -> None:
    request = SetPosterRequest(title_id=await create(house), picture=picture())
    async with refusal("PERMISSION_DENIED"):
        await house.catalogue.SetPoster(request, metadata=await house.person("viewer"))


async def test_a_picture_keeps_its_place_until_it_is_decoded_whoever_has_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes much memory: who sends many, and waits for none, would take all of it."""
    cinema, goes_on = await opened(database), threading.Event()
    at_once, most = 0, 0

    def decoded(data: bytes, widths: Sequence[int]) -> dict[int, bytes]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        goes_on.wait(PATIENCE)
        at_once -= 1
        return {16: data}

    monkeypatch.setattr(artwork, "sizes", decoded)
    gallery = Gallery(database, open_store("memory://"), time.time)
    left = asyncio.create_task(gallery.take(POSTERS, cinema.titles[0], b"first"))
    await until(lambda: at_once)
    left.cancel()
    await asyncio.wait([left])
    waiting = asyncio.create_task(gallery.take(POSTERS, cinema.titles[1], b"second"))
    with suppress(TimeoutError):
        await until(lambda: most > 1, seconds=0.3)
    goes_on.set()
    await waiting
    assert (left.cancelled(), most) == (True, 1)
