"""The bytes of an upload: in order, once, and as they were declared."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message

from edge import upload
from edge.tus import CONTENT_TYPE
from edge.uploads import Uploads
from matinee.rpc.channel import Channel
from matinee.storage.object_store import ObjectStore, StoredObject
from tests.tus import FILM, PART, chunks, create, declared, encoded, offset_of, patch, stored
from tests.uploads import Control, make_uploads

pytestmark = pytest.mark.anyio


class TestBytes:
    async def test_a_film_arrives_as_it_was_sent(
        self, client: httpx.AsyncClient, store: ObjectStore, control: Control
    ) -> None:
        url = await create(client, headers={"Upload-Metadata": f"title {encoded('Sita')},filename {encoded('s.mkv')}"})
        answer = await patch(client, url, 0, FILM[:100_000])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "100000")
        answer = await patch(client, url, 100_000, FILM[100_000:])
        assert answer.headers["Upload-Offset"] == str(len(FILM))
        assert (answer.headers["Matinee-Title-Id"], answer.headers["Matinee-Job-Id"]) == ("title-0", "job-0")
        assert await stored(store, url) == FILM
        [request] = control.completed.values()
        assert (request.account_id, request.title_name, request.file_name) == ("ada", "Sita", "s.mkv")
        assert (request.upload_id, request.size_bytes) == (url.rpartition("/")[2], len(FILM))

    async def test_parts_have_the_size_of_the_setting(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: 2 * PART + 5])
        found = [(item.key.rpartition("/")[2], item.size) for item in await store.list(url.strip("/"))][:-1]
        assert found == [(f"{0:016d}", PART), (f"{PART:016d}", PART), (f"{2 * PART:016d}", 5)]

    async def test_head_tells_where_the_upload_stands(self, client: httpx.AsyncClient) -> None:
        url = await create(client)
        await patch(client, url, 0, b"123")
        answer = await client.head(url)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("3", str(len(FILM)))
        assert answer.headers["Upload-Metadata"] == f"title {encoded('Sita')}"
        assert "Matinee-Title-Id" not in answer.headers

    @pytest.mark.parametrize("offset", [0, 1, PART, PART + 3, 2 * PART + 4, len(FILM)])
    @pytest.mark.parametrize("body", [b"", b"x"])
    async def test_bytes_for_another_offset_are_refused(
        self, client: httpx.AsyncClient, offset: int, body: bytes
    ) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: 2 * PART + 3])
        assert (await patch(client, url, offset, body)).status_code == 409
        assert await offset_of(client, url) == 2 * PART + 3

    async def test_parts_of_any_size_follow_each_other(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url, offset = await create(client), 0
        for size in (1, PART, PART - 1, 2 * PART, 5, PART):
            answer = await patch(client, url, offset, FILM[offset : offset + size])
            offset += size
            assert answer.headers["Upload-Offset"] == str(offset)
        assert await stored(store, url) == FILM[:offset]

    async def test_parts_are_counted_once_however_many_there_are(
        self, client: httpx.AsyncClient, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url, looked_at, list_all = await create(client), list[int](), store.list

        async def watched(prefix: str, after: str | None = None) -> list[StoredObject]:
            looked_at.append(len(found := await list_all(prefix, after)))
            return found

        monkeypatch.setattr(store, "list", watched)
        for offset in range(20):
            await patch(client, url, offset, b"x")
            assert await offset_of(client, url) == offset + 1
        assert max(looked_at) == 2  # the part before, and the declaration

    async def test_what_another_edge_has_received_counts(
        self, client: httpx.AsyncClient, store: ObjectStore, channel: Channel
    ) -> None:
        other = httpx.ASGITransport(make_uploads(store, channel))
        clients = [client, httpx.AsyncClient(transport=other, base_url="http://edge")]
        clients[1].headers = client.headers
        url = await create(client)
        for offset in range(4):
            assert (await patch(clients[offset % 2], url, offset, b"x")).status_code == 204
        assert [await offset_of(each, url) for each in clients] == [4, 4]
        await clients[1].aclose()

    async def test_an_upload_does_not_become_a_crowd_of_small_parts(
        self, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upload, "SMALL_PARTS", 3)
        url = await create(client, length=2 * PART + 4)
        for offset in range(3):
            assert (await patch(client, url, offset, b"x")).status_code == 204
        refused = await patch(client, url, 3, b"x")
        assert refused.status_code == 400
        assert f"send {PART} bytes or more" in refused.json()["detail"]
        assert (await patch(client, url, 3, FILM[: 2 * PART])).status_code == 204
        assert (await patch(client, url, 3 + 2 * PART, b"x")).headers["Matinee-Job-Id"] == "job-0"

    async def test_another_content_type_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await patch(client, await create(client), 0, b"x", Content_Type="text/plain")
        assert answer.status_code == 415

    async def test_bytes_past_the_declared_length_are_refused(self, client: httpx.AsyncClient) -> None:
        url = await create(client, length=10)
        assert (await patch(client, url, 0, b"x" * 11)).status_code == 413
        assert (await patch(client, url, 0, chunks(b"x" * 11))).status_code == 413
        assert await offset_of(client, url) == 0

    async def test_of_two_writers_at_one_offset_one_wins(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client)
        both_began = asyncio.Barrier(2)

        async def body(value: bytes) -> AsyncIterator[bytes]:
            await both_began.wait()
            for _ in range(len(FILM) // PART):
                yield value * PART
                await asyncio.sleep(0)

        answers = await asyncio.gather(*(patch(client, url, 0, body(value)) for value in (b"a", b"b")))
        assert sorted(answer.status_code for answer in answers) == [204, 409]
        assert await stored(store, url) in (b"a" * len(FILM), b"b" * len(FILM))

    async def test_what_came_before_the_client_vanished_is_kept(
        self, app: Uploads, client: httpx.AsyncClient, store: ObjectStore
    ) -> None:
        url = await create(client)
        events: list[Message] = [
            {"type": "http.request", "body": FILM[: PART + 9], "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return events.pop(0)

        async def send(message: Message) -> None:
            """Nobody is there to hear it."""

        headers = {**client.headers, "Upload-Offset": "0", "Content-Type": CONTENT_TYPE}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "PATCH", "path": url, "headers": raw, "query_string": b""}
        await app(scope, receive, send)
        assert await offset_of(client, url) == PART + 9
        assert await stored(store, url) == FILM[: PART + 9]

    async def test_the_method_may_come_in_a_header(self, client: httpx.AsyncClient) -> None:
        url = await create(client)
        headers = {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0", "Content-Type": CONTENT_TYPE}
        answer = await client.post(url, headers=headers, content=b"123")
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")

    @pytest.mark.parametrize(("method", "path"), [("GET", "/uploads"), ("PUT", "/uploads/0"), ("POST", "/uploads/0")])
    async def test_other_methods_are_refused(self, client: httpx.AsyncClient, method: str, path: str) -> None:
        assert (await client.request(method, path)).status_code == 405


class TestChecksum:
    @pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
    @pytest.mark.parametrize("size", [1000, PART, 3 * PART + 1])
    async def test_matching_bytes_are_kept(
        self, client: httpx.AsyncClient, store: ObjectStore, algorithm: str, size: int
    ) -> None:
        url = await create(client)
        answer = await patch(client, url, 0, FILM[:size], Upload_Checksum=declared(FILM[:size], algorithm))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(size))
        assert await stored(store, url) == FILM[:size]
        assert await store.list("staged") == []

    @pytest.mark.parametrize("size", [1000, 3 * PART + 1])
    async def test_nothing_is_kept_of_bytes_that_do_not_match(
        self, client: httpx.AsyncClient, store: ObjectStore, size: int
    ) -> None:
        url = await create(client)
        await patch(client, url, 0, b"123")
        answer = await patch(client, url, 3, FILM[:size], Upload_Checksum=declared(b"other"))
        assert answer.status_code == 460
        assert await offset_of(client, url) == 3
        assert await stored(store, url) == b"123"
        assert await store.list("staged") == []

    @pytest.mark.parametrize("checksum", ["crc32 YQ==", "sha256", ""])
    async def test_a_checksum_that_cannot_be_checked_is_refused(self, client: httpx.AsyncClient, checksum: str) -> None:
        url = await create(client)
        assert (await patch(client, url, 0, b"x", Upload_Checksum=checksum)).status_code == 400
        assert await offset_of(client, url) == 0
