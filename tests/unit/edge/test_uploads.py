"""Uploads as a tus client sees them: the real application, object store and gRPC, over ASGI."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from edge.keys import Keys
from edge.parts import UploadStore
from edge.tus import CONTENT_TYPE
from edge.uploads import Uploads, sweep
from matinee.rpc import Channel, open_channel
from matinee.storage import ObjectStore, open_store
from tests.uploads import KIB, SERVICE_TOKEN, Control, make_control, make_settings

pytestmark = pytest.mark.anyio

PART = 64 * KIB
FILM = bytes(range(256)) * 2048  # 512 KiB: eight parts
HOUR = 3600


def encoded(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def declared(body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {encoded(hashlib.new(algorithm, body).digest())}"


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    control = make_control()
    async with control.running():
        yield control


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return open_store("memory://" if request.param == "memory" else tmp_path.as_uri())


@pytest.fixture
async def channel(control: Control) -> AsyncIterator[Channel]:
    channel = open_channel(control.address)
    yield channel
    await channel.close()


@pytest.fixture
def app(store: ObjectStore, channel: Channel) -> Uploads:
    return Uploads(make_settings(), store, Keys(channel, SERVICE_TOKEN), channel, SERVICE_TOKEN)


@pytest.fixture
async def client(app: Uploads, control: Control) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {control.token()}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge", headers=headers) as client:
        yield client


async def create(client: httpx.AsyncClient, length: int = len(FILM), headers: dict[str, str] | None = None) -> str:
    described = {"Upload-Length": str(length), "Upload-Metadata": f"title {encoded('Sita')}", **(headers or {})}
    answer = await client.post("/uploads", headers=described)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def patch(
    client: httpx.AsyncClient, url: str, offset: int, body: bytes | AsyncIterator[bytes], **headers: str
) -> httpx.Response:
    described = {"Upload-Offset": str(offset), "Content-Type": CONTENT_TYPE, **headers}
    return await client.patch(url, content=body, headers={k.replace("_", "-"): v for k, v in described.items()})


async def offset_of(client: httpx.AsyncClient, url: str) -> int:
    return int((await client.head(url)).headers["Upload-Offset"])


async def stored(store: ObjectStore, url: str) -> bytes:
    """The source as the worker will read it: all parts in order."""
    found = await store.list(url.strip("/"))
    return b"".join([await store.get(item.key) for item in found if item.key[-1].isdecimal()])


class TestCreation:
    async def test_an_upload_is_created_at_a_url_that_nobody_can_guess(self, client: httpx.AsyncClient) -> None:
        one, two = await create(client), await create(client)
        assert one != two
        assert one.startswith("/uploads/")
        assert len(one) == len("/uploads/") + 32

    async def test_the_first_bytes_may_come_along(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        headers = {"Upload-Length": str(len(FILM)), "Upload-Metadata": f"title {encoded('a')}"}
        headers["Content-Type"] = CONTENT_TYPE
        answer = await client.post("/uploads", headers=headers, content=FILM)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(FILM)))
        assert answer.headers["Matinee-Title-Id"] == "title-0"
        assert await stored(store, answer.headers["Location"]) == FILM

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Upload-Length": "0"}, 400),
            ({"Upload-Length": "-1"}, 400),
            ({"Upload-Length": ""}, 400),
            ({"Upload-Length": "9" * 17}, 400),
            ({"Upload-Length": str(1024**3 + 1)}, 413),
            ({"Upload-Metadata": "title !"}, 400),
            ({"Upload-Metadata": ""}, 400),
            ({"Upload-Defer-Length": "1"}, 400),
            ({"Upload-Concat": "partial"}, 400),
            ({"Tus-Resumable": "0.2.2"}, 412),
            ({"Tus-Resumable": ""}, 412),
        ],
    )
    async def test_bad_requests_are_refused_with_a_sentence(
        self, client: httpx.AsyncClient, store: ObjectStore, headers: dict[str, str], status: int
    ) -> None:
        good = {"Upload-Length": "1", "Upload-Metadata": f"title {encoded('a')}"}
        answer = await client.post("/uploads", headers=good | headers)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
        assert await store.list("uploads") == []

    async def test_another_version_is_told_which_one_is_spoken(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/uploads", headers={"Tus-Resumable": "2.0.0"})
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")

    async def test_names_of_the_client_are_never_keys(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        await create(client, headers={"Upload-Metadata": f"title {encoded('../../x')},filename {encoded('../../x')}"})
        assert all("x" not in item.key.rpartition("/")[0] for item in await store.list("uploads"))


class TestWho:
    @pytest.mark.parametrize("token", ["", "Bearer", "Bearer a.b.c", "Basic YTpi"])
    async def test_nobody_may_upload(self, client: httpx.AsyncClient, token: str) -> None:
        answer = await client.post("/uploads", headers={"Authorization": token, "Upload-Length": "1"})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="matinee"')

    async def test_an_expired_token_opens_nothing(self, client: httpx.AsyncClient, control: Control) -> None:
        headers = {"Authorization": f"Bearer {control.token(life=-1)}"}
        assert (await client.post("/uploads", headers=headers)).status_code == 401

    async def test_a_viewer_may_not_upload(self, client: httpx.AsyncClient, control: Control) -> None:
        headers = {"Authorization": f"Bearer {control.token(role='viewer')}", "Upload-Length": "1"}
        assert (await client.post("/uploads", headers=headers)).status_code == 403

    @pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
    async def test_an_upload_exists_for_its_owner_only(
        self, client: httpx.AsyncClient, control: Control, method: str
    ) -> None:
        url = await create(client)
        headers = {"Upload-Offset": "0", "Content-Type": CONTENT_TYPE}
        headers["Authorization"] = f"Bearer {control.token(account='eve', role='admin')}"
        assert (await client.request(method, url, headers=headers)).status_code == 404
        assert await offset_of(client, url) == 0

    async def test_an_overridden_method_needs_that_header_as_well(
        self, client: httpx.AsyncClient, control: Control
    ) -> None:
        url = await create(client)
        cookie = {"Cookie": f"matinee_access={control.token()}", "Authorization": ""}
        answer = await client.get(url, headers=cookie | {"X-HTTP-Method-Override": "DELETE"})
        assert answer.status_code == 403

    async def test_a_browsers_cookie_counts_with_the_header_that_no_other_site_can_send(
        self, client: httpx.AsyncClient, control: Control
    ) -> None:
        cookie = {"Cookie": f"matinee_access={control.token()}", "Authorization": ""}
        assert (await client.post("/uploads", headers=cookie)).status_code == 403
        await create(client, headers=cookie | {"Matinee-Cookies": "1"})

    @pytest.mark.parametrize("name", ["0" * 32, "x", "..%2f..%2fetc", "%00", "info.json", "a/b", "A" * 32])
    async def test_there_is_nothing_under_other_names(self, client: httpx.AsyncClient, name: str) -> None:
        assert (await client.head(f"/uploads/{name}")).status_code == 404


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


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 4):
        yield body[start : start + 4]


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

    async def test_an_unknown_algorithm_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await patch(client, await create(client), 0, b"x", Upload_Checksum="crc32 YQ==")
        assert answer.status_code == 400


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
            app = Uploads(make_settings(), store, keys, away, SERVICE_TOKEN)
            headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(transport=transport, base_url="http://edge", headers=headers)
            url = await create(client)
        answer = await patch(client, url, 0, FILM)
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
        later = Uploads(
            make_settings(),
            store,
            Keys(channel, SERVICE_TOKEN),
            channel,
            SERVICE_TOKEN,
            clock=lambda: time.time() + 49 * HOUR,
        )
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
        uploads = UploadStore(store, PART)
        assert await uploads.remove_untouched(time.time() - HOUR) == 0
        assert await uploads.remove_untouched(time.time() + HOUR) == 3
        assert {item.key.split("/")[1] for item in await store.list("uploads")} == {finished.rpartition("/")[2]}
        assert [item.key for item in await store.list("completed")] == [f"completed/{finished.rpartition('/')[2]}"]
        assert await store.list("staged") == []

    async def test_an_upload_that_lost_parts_is_gone(self, client: httpx.AsyncClient, store: ObjectStore) -> None:
        url = await create(client)
        await patch(client, url, 0, FILM[: 2 * PART])
        await store.delete([f"{url.strip('/')}/{0:016d}"])
        assert (await client.head(url)).status_code == 410

    async def test_the_sweep_ends_when_the_edge_does(self, store: ObjectStore) -> None:
        stop = asyncio.Event()
        sweeping = asyncio.create_task(sweep(make_settings(), store, stop))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(sweeping, 5)


class TestOptions:
    async def test_capabilities_are_told_to_anybody(self, app: Uploads) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as anybody:
            answer = await anybody.options("/uploads")
        assert answer.status_code == 204
        assert answer.headers["Tus-Resumable"] == answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,checksum,termination"
        assert answer.headers["Tus-Max-Size"] == str(1024**3)
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"

    async def test_a_page_elsewhere_may_upload_with_a_token_but_not_with_cookies(self, app: Uploads) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as anybody:
            answer = await anybody.options("/uploads/x", headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]
        assert "Matinee-Cookies" not in answer.headers["Access-Control-Allow-Headers"]
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
