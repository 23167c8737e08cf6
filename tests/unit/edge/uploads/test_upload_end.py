"""How uploads end: as a job, terminated, or left behind."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from edge.keys import Keys
from edge.parts import UploadStore
from edge.uploads import sweep
from matinee.rpc.channel import Channel, open_channel
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.catalogue_pb2 import TITLE_KIND_FILM, TITLE_KIND_SERIES
from tests.patience import PATIENCE
from tests.tus import FILM, PART, create, encoded, patch
from tests.uploads import SERVICE_TOKEN, Control, make_control, make_settings, make_uploads

pytestmark = pytest.mark.anyio

HOUR = 3600


class TestCompletion:
    async def test_control_is_told_by_a_later_head_when_it_was_away(
        self, store: ObjectStore, channel: Channel, control: Control
    ) -> None:
        other = make_control()
        other.key = control.key
        async with other.running():
            keys = Keys(channel, SERVICE_TOKEN)
            token = control.token()
            away = open_channel(other.address)
            app = make_uploads(store, away, keys=keys)
            headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(transport=transport, base_url="http://edge", headers=headers)
            url = await create(client)
        assert (await patch(client, url, 0, FILM[:PART])).status_code == 204
        answer = await patch(client, url, PART, FILM[PART:])
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        async with other.running():
            await away.channel_ready()
            answer = await client.head(url)
            assert answer.headers["Matinee-Title-Id"] == "title-0"
            again = await patch(client, url, len(FILM), b"")
            assert (again.status_code, again.headers["Matinee-Job-Id"]) == (204, "job-0")
        assert other.calls == 1
        await away.close()
        await client.aclose()

    async def test_control_is_told_of_which_title_it_is_a_new_version(
        self, client: httpx.AsyncClient, control: Control
    ) -> None:
        title_id = "0" * 26
        control.kinds[title_id] = TITLE_KIND_FILM
        headers = {"Upload-Metadata": f"title_id {encoded(title_id)}"}
        await patch(client, await create(client, length=3, headers=headers), 0, b"123")
        (completed,) = control.completed.values()
        assert (completed.title_id, completed.title_name) == (title_id, "")

    @pytest.mark.parametrize(("title_id", "status"), [("0" * 26, 404), ("1" * 26, 409)])
    async def test_a_version_of_what_can_have_none_is_refused_before_its_bytes_come(
        self, client: httpx.AsyncClient, control: Control, title_id: str, status: int
    ) -> None:
        control.kinds["1" * 26] = TITLE_KIND_SERIES
        headers = {"Upload-Length": "3", "Upload-Metadata": f"title_id {encoded(title_id)}"}
        assert (await client.post("/uploads", headers=headers)).status_code == status

    async def test_whoever_may_publish_no_longer_completes_nothing(
        self, client: httpx.AsyncClient, control: Control
    ) -> None:
        url = await create(client, length=3)
        control.viewers.add("ada")
        assert (await patch(client, url, 0, b"123")).status_code == 403
        assert (await client.head(url)).status_code == 403
        assert not control.completed

    async def test_what_was_finished_after_signing_out_is_completed_after_signing_in(
        self, client: httpx.AsyncClient, control: Control
    ) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b"123"
            control.signed_out.add("ada")

        url = await create(client, length=3)
        assert (await patch(client, url, 0, body())).status_code == 401
        control.signed_out.clear()
        assert (await client.head(url)).headers["Matinee-Title-Id"] == "title-0"

    async def test_the_answer_outlives_the_bytes(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client, length=3)
        await patch(client, url, 0, b"123")
        await store.delete_prefix(url.strip("/"))
        answer = await client.head(url)
        assert (answer.headers["Upload-Offset"], answer.headers["Matinee-Title-Id"]) == ("3", "title-0")


class TestEnd:
    async def test_a_terminated_upload_leaves_nothing(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: PART + 1])
        assert (await client.delete(url)).status_code == 204
        assert (await client.head(url)).status_code == 404
        assert await store.list("uploads") == []

    async def test_an_upload_that_became_a_job_cannot_be_terminated(self, client: httpx.AsyncClient) -> None:
        url = await create(client, length=3)
        await patch(client, url, 0, b"123")
        assert (await client.delete(url)).status_code == 409

    async def test_answers_tell_when_an_unfinished_upload_expires(self, client: httpx.AsyncClient) -> None:
        url = await create(client)
        answer = await patch(client, url, 0, b"123")
        left = parsedate_to_datetime(answer.headers["Upload-Expires"]).timestamp() - time.time()
        assert left == pytest.approx(48 * HOUR, abs=5)

    async def test_an_expired_upload_is_gone_for_its_client(
        self, client: httpx.AsyncClient, store: ObjectStore, channel: Channel, control: Control
    ) -> None:
        url = await create(client)
        later = make_uploads(store, channel, clock=lambda: time.time() + 49 * HOUR)
        transport = httpx.ASGITransport(later)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge", headers=client.headers) as late:
            assert (await late.head(url)).status_code == 410
            assert (await patch(late, url, 0, b"x")).status_code == 410

    async def test_only_what_nobody_continues_is_swept(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        unfinished, finished, consumed = [await create(client, length=10) for _ in range(3)]
        await patch(client, unfinished, 0, b"123")
        for url in (finished, consumed):
            await patch(client, url, 0, b"0123456789")
        await store.delete_prefix(consumed.strip("/"))
        await store.put("staged/" + "0" * 32 + f"/abc/{0:016d}", b"left by a dead edge")
        uploads = UploadStore(store, make_settings().uploads)
        assert await uploads.remove_untouched(time.time() - HOUR) == 0
        assert await uploads.remove_untouched(time.time() + HOUR) == 3
        assert {item.key.split("/")[1] for item in await store.list("uploads")} == {finished.rpartition("/")[2]}
        assert [item.key for item in await store.list("completed")] == [f"completed/{finished.rpartition('/')[2]}"]
        assert await store.list("staged") == []

    async def test_what_control_keeps_a_record_of_is_not_swept(self, store: ObjectStore) -> None:
        upload_id = "0" * 32
        kept = [f"uploads/{upload_id}/{0:016d}", f"unfinished/ada/{upload_id}/3", f"direct/{upload_id}"]
        for key in kept:
            await store.put(key, b"123")
        assert await UploadStore(store, make_settings().uploads).remove_untouched(time.time() + HOUR) == 0
        assert [await store.get(key) for key in kept] == [b"123"] * 3

    async def test_an_upload_that_lost_parts_is_gone(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: 2 * PART])
        await store.delete([f"{url.strip('/')}/{0:016d}"])
        assert (await client.head(url)).status_code == 410

    async def test_an_upload_that_lost_parts_becomes_no_job(
        self, client: httpx.AsyncClient, store: ObjectStore, control: Control
    ) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: 2 * PART])
        await client.head(url)
        await store.delete([f"{url.strip('/')}/{0:016d}"])
        assert (await patch(client, url, 2 * PART, FILM[2 * PART :])).status_code == 410
        assert not control.completed

    async def test_the_sweep_ends_when_the_edge_does(self, store: ObjectStore) -> None:
        stop = asyncio.Event()
        sweeping = asyncio.create_task(sweep(make_settings(), store, stop))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(sweeping, PATIENCE)

    async def test_the_sweep_outlives_a_name_that_the_store_cannot_read(self, tmp_path: Path) -> None:
        (tmp_path / "uploads").mkdir()
        (tmp_path / "uploads" / os.fsdecode(b"caf\xe9")).touch()
        stop = asyncio.Event()
        sweeping = asyncio.create_task(sweep(make_settings(), open_store(tmp_path.as_uri()), stop))
        await asyncio.wait([sweeping], timeout=0.2)
        stop.set()
        await asyncio.wait_for(sweeping, PATIENCE)
