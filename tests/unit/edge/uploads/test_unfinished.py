"""How many uploads an account may have begun and not ended."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from edge.parts import UploadStore
from matinee.rpc.channel import Channel
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.unfinished import UnfinishedUploads
from tests.tus import create, encoded, patch
from tests.uploads import Control, make_settings, make_uploads

pytestmark = pytest.mark.anyio

HOUR = 3600


@pytest.fixture
def limits() -> Settings:
    return make_settings(unfinished=2, unfinished_bytes=100)


@pytest.fixture
async def client(
    limits: Settings, store: ObjectStore, channel: Channel, control: Control
) -> AsyncIterator[httpx.AsyncClient]:
    app = make_uploads(store, channel, settings=limits)
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {control.token()}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge", headers=headers) as client:
        yield client


async def refusal(client: httpx.AsyncClient, length: int = 10) -> int:
    """The status with which a further upload is refused."""
    headers = {"Upload-Length": str(length), "Upload-Metadata": f"title {encoded('Sita')}"}
    return (await client.post("/uploads", headers=headers)).status_code


async def test_an_account_has_so_many_unfinished_uploads_and_no_more(
    client: httpx.AsyncClient, control: Control, store: ObjectStore
) -> None:
    begun = {await create(client, length=10) for _ in range(2)}
    assert await refusal(client) == 429
    assert {f"/uploads/{item.key.split('/')[1]}" for item in await store.list("uploads")} == begun
    client.headers["Authorization"] = f"Bearer {control.token('eve')}"
    await create(client, length=10)


async def test_their_declared_bytes_count_together(client: httpx.AsyncClient) -> None:
    await create(client, length=60)
    assert await refusal(client, length=41) == 429
    await create(client, length=40)


async def test_a_film_that_is_larger_than_all_may_be_is_taken_alone(client: httpx.AsyncClient) -> None:
    await create(client, length=1000)
    assert await refusal(client, length=1) == 429


async def test_what_became_a_job_counts_no_longer(client: httpx.AsyncClient) -> None:
    await patch(client, await create(client, length=3), 0, b"123")
    await patch(client, await create(client, length=3), 0, b"123")
    await create(client, length=100)


async def test_what_was_terminated_counts_no_longer(client: httpx.AsyncClient) -> None:
    await client.delete(await create(client, length=100))
    await create(client, length=100)


async def test_what_was_swept_counts_no_longer(client: httpx.AsyncClient, limits: Settings, store: ObjectStore) -> None:
    await create(client, length=100)
    await UploadStore(store, limits.uploads).remove_untouched(time.time() + HOUR)
    assert await store.list("") == []
    await create(client, length=100)


async def test_the_sweep_takes_away_what_a_dead_edge_counted(store: ObjectStore, limits: Settings) -> None:
    await store.put(f"unfinished/ada/{'0' * 32}/10", b"")
    await UploadStore(store, limits.uploads).remove_untouched(time.time() + HOUR)
    assert await store.list("") == []


async def test_the_sweep_takes_what_lies_in_the_store_and_is_of_no_upload_for_none(
    store: ObjectStore, limits: Settings
) -> None:
    strays = ["unfinished/.DS_Store", "uploads/.DS_Store"]
    for stray in strays:
        await store.put(stray, b"")
    await store.put(f"uploads/{'f' * 32}/info.json", b"{}")
    assert await UploadStore(store, limits.uploads).remove_untouched(time.time() + HOUR) == 1
    assert [item.key for item in await store.list("")] == strays


async def test_what_is_of_no_upload_counts_for_nothing(store: ObjectStore, limits: Settings) -> None:
    await store.put("unfinished/ada/.DS_Store", b"")
    for upload in ("0", "1"):
        await UnfinishedUploads(store, limits.uploads).begin("ada", upload * 32, 10)
