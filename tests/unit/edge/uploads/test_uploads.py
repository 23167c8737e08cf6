"""Who may upload, how an upload begins, and what the server says of itself."""

from collections.abc import AsyncIterator

import httpx
import pytest

from edge.tus import CONTENT_TYPE
from edge.uploads import Uploads
from matinee.storage.object_store import ObjectStore
from tests.tus import FILM, PART, create, encoded, offset_of, patch, stored
from tests.uploads import Control

pytestmark = pytest.mark.anyio

DESCRIBED = {"Upload-Length": "1", "Upload-Metadata": f"title {encoded('a')}"}


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
        answer = await client.post("/uploads", headers=DESCRIBED | headers)
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

    async def test_nobody_uploads_after_signing_out(
        self, client: httpx.AsyncClient, control: Control, store: ObjectStore
    ) -> None:
        control.signed_out.add("ada")
        answer = await client.post("/uploads", headers=DESCRIBED)
        assert (answer.status_code, await store.list("uploads")) == (401, [])

    async def test_a_publisher_who_has_become_a_viewer_may_not_upload(
        self, client: httpx.AsyncClient, control: Control, store: ObjectStore
    ) -> None:
        control.viewers.add("ada")
        answer = await client.post("/uploads", headers=DESCRIBED)
        assert (answer.status_code, await store.list("uploads")) == (403, [])

    @pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
    @pytest.mark.parametrize(("ended", "status"), [("signed_out", 401), ("viewers", 403)])
    async def test_an_upload_is_at_an_end_for_who_has_signed_out_or_may_publish_no_more(
        self, client: httpx.AsyncClient, control: Control, method: str, ended: str, status: int
    ) -> None:
        url = await create(client)
        headers = {"Upload-Offset": "0", "Content-Type": CONTENT_TYPE}
        getattr(control, ended).add("ada")
        answer = await client.request(method, url, headers=headers, content=FILM[:100] if method == "PATCH" else b"")
        assert answer.status_code == status
        getattr(control, ended).clear()
        assert await offset_of(client, url) == 0

    async def test_so_it_is_while_a_long_body_comes(
        self, client: httpx.AsyncClient, control: Control, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge.publishers.LOOK_SECONDS", 0)

        async def body() -> AsyncIterator[bytes]:
            yield FILM[:PART]
            control.signed_out.add("ada")
            yield FILM[PART:]

        url = await create(client)
        assert (await patch(client, url, 0, body())).status_code == 401
        control.signed_out.clear()
        assert await offset_of(client, url) == PART

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
