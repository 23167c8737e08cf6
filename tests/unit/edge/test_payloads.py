"""Raw bodies, such as pictures and webhooks: whose are read, how much of them, and what control gets."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.bindings import bindings
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.guard import Guard
from edge.keys import Keys
from edge.payloads import LARGEST_BODY, LARGEST_RAW_BODY
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, ISSUER
from tests.control_services import Calls, control

pytestmark = pytest.mark.anyio

PICTURE = "/api/v1/titles/t1/poster"
WEBHOOK = "/api/v1/payments/acme"


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def api(tmp_path: Path, calls: Calls) -> AsyncIterator[httpx.AsyncClient]:
    async with control(tmp_path, calls) as channel:
        sessions, keys = CookieSessions("https://films.example", refresh_seconds=3600), Keys(channel, "secret", pause=0)
        gateway = Gateway(channel, "secret", bindings(), sessions, deadline_seconds=5, keys=keys)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Guard(gateway)), base_url="https://x") as client:
            yield client


def signed_in(calls: Calls, role: str = "publisher") -> dict[str, str]:
    """The header of somebody who is signed in."""
    claims = {"iss": ISSUER, "aud": ACCESS_AUDIENCE, "sub": "ada", "sid": "s1", "role": role, "exp": time.time() + 60}
    return {"authorization": f"Bearer {calls.key.sign(ACCESS_TYPE, claims)}"}


class Endless:
    """A body without an end, and how much of it was read."""

    def __init__(self) -> None:
        self.read = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            self.read += 65_536
            yield b" " * 65_536


async def test_a_raw_body_reaches_control_as_it_is_with_its_type(api: httpx.AsyncClient, calls: Calls) -> None:
    picture = bytes(range(256)) * (LARGEST_RAW_BODY // 256)
    headers = signed_in(calls) | {"content-type": "image/png"}
    assert (await api.put(PICTURE, content=picture, headers=headers)).status_code == 200
    (request,) = calls.requests
    assert request.title_id == "t1"
    assert (request.picture.content_type, request.picture.data) == ("image/png", picture)


async def test_a_body_that_declares_too_much_is_refused_before_it_is_read(api: httpx.AsyncClient, calls: Calls) -> None:
    body = Endless()
    headers = signed_in(calls) | {"content-length": str(LARGEST_RAW_BODY + 1)}
    answer = await api.put(PICTURE, content=body.chunks(), headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body is larger than 4 MiB")
    assert body.read == 0


async def test_an_endless_raw_body_is_refused_as_soon_as_it_is_too_long(api: httpx.AsyncClient, calls: Calls) -> None:
    body = Endless()
    assert (await api.put(PICTURE, content=body.chunks(), headers=signed_in(calls))).status_code == 413
    assert body.read <= LARGEST_RAW_BODY + 2 * 65_536


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("forged", 401), ("", 401)])
async def test_a_large_body_is_read_of_publishers_alone(
    api: httpx.AsyncClient, calls: Calls, role: str, status: int
) -> None:
    body = Endless()
    headers = {"viewer": signed_in(calls, "viewer"), "forged": {"authorization": "Bearer a.b.c"}}.get(role, {})
    assert (await api.put(PICTURE, content=body.chunks(), headers=headers)).status_code == status
    assert (body.read, calls.requests) == (0, [])


async def test_a_raw_body_that_anybody_may_send_is_small(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.post(WEBHOOK, content=b" " * (LARGEST_BODY + 1))
    assert (answer.status_code, answer.json()["detail"]) == (413, "the body is larger than 64 KiB")
    assert (await api.post(WEBHOOK, content=b" " * LARGEST_BODY)).status_code == 200
    assert len(calls.requests[0].report.data) == LARGEST_BODY


async def test_the_signature_of_a_webhook_goes_along(api: httpx.AsyncClient, calls: Calls) -> None:
    signature = {"webhook-id": "m1", "webhook-timestamp": "1", "webhook-signature": "v1,aGk="}
    await api.post(WEBHOOK, content=b"{}", headers=signature | {"webhook-other": "x"})
    assert calls.webhooks == [signature]


@pytest.mark.parametrize("text", ["x" * 2000, "\xe9"])
async def test_a_signature_that_cannot_be_one_does_not(api: httpx.AsyncClient, calls: Calls, text: str) -> None:
    headers = {b"webhook-id": b"m1", b"webhook-signature": text.encode("latin-1")}
    await api.post(WEBHOOK, content=b"{}", headers=headers)
    assert calls.webhooks == [{"webhook-id": "m1"}]


async def test_the_query_cannot_stand_for_a_raw_body(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.put(f"{PICTURE}?picture.content_type=text/html", content=b"p", headers=signed_in(calls))
    assert (calls.requests[0].picture.content_type, calls.requests[0].picture.data) == ("", b"p")


async def test_control_says_how_long_browsers_keep_what_they_get(api: httpx.AsyncClient, calls: Calls) -> None:
    briefly = await api.get(PICTURE, headers=signed_in(calls))
    assert briefly.headers["cache-control"] == "private, max-age=300"
    long = await api.get(f"{PICTURE}?version=v1", headers=signed_in(calls))
    assert (long.headers["cache-control"], long.headers["etag"]) == ("private, max-age=31536000", '"v1"')


async def test_who_has_a_picture_already_gets_no_bytes(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.get(f"{PICTURE}?version=v1", headers=signed_in(calls) | {"if-none-match": '"v1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"v1"')
