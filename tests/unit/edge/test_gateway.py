"""REST over the real protos and real gRPC: what a call asks of control, and what it answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from edge.bindings import bindings
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.guard import Guard
from edge.keys import Keys
from edge.payloads import LARGEST_BODY
from matinee.errors import (
    Conflict,
    DataLoss,
    MatineeError,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)
from matinee.rpc.channel import Channel, open_channel
from protos.v1.auth_pb2 import LoginRequest
from protos.v1.catalogue_pb2 import ListTitlesRequest, UpdateTitleRequest
from protos.v1.playback_pb2 import PlayRequest
from tests.control_services import Calls, control

pytestmark = pytest.mark.anyio

SIGNED_IN = {"authorization": "Bearer a.b.c"}
ANONYMOUS = {"authorization": ""}


def gateway_of(channel: Channel, deadline_seconds: float = 5) -> Gateway:
    sessions = CookieSessions("https://films.example", refresh_seconds=3600)
    return Gateway(
        channel,
        "secret",
        bindings(),
        sessions,
        deadline_seconds=deadline_seconds,
        keys=Keys(channel, "secret", pause=0),
    )


def client_of(gateway: Gateway) -> httpx.AsyncClient:
    """A client that is signed in, unless it says otherwise."""
    transport = httpx.ASGITransport(Guard(gateway))
    return httpx.AsyncClient(transport=transport, base_url="https://films.example", headers=SIGNED_IN)


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def api(tmp_path: Path, calls: Calls) -> AsyncIterator[httpx.AsyncClient]:
    async with control(tmp_path, calls) as channel, client_of(gateway_of(channel)) as client:
        yield client


async def test_a_body_becomes_the_request_and_the_response_becomes_json(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.post("/api/v1/auth:login", json={"email": "ada@example.org", "password": "correct"})
    assert calls.requests == [LoginRequest(email="ada@example.org", password="correct")]
    assert answer.json() == {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 900}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


async def test_path_variables_and_verbs_fill_the_request(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.post("/api/v1/titles/t1:play", json={"device": "sofa"})
    assert calls.requests == [PlayRequest(title_id="t1", device="sofa")]


@pytest.mark.parametrize("names", [("title_id",), ("titleId",), ("title_id", "titleId"), ("titleId", "title_id")])
async def test_the_path_wins_over_the_body_however_that_is_spelled(
    api: httpx.AsyncClient, calls: Calls, names: tuple[str, ...]
) -> None:
    await api.patch("/api/v1/titles/t1", json={**dict.fromkeys(names, "other"), "name": ""})
    assert calls.requests == [UpdateTitleRequest(title_id="t1", name="")]


async def test_query_parameters_fill_the_request(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.get("/api/v1/titles?page_size=5&page_token=a%26b")
    assert calls.requests == [ListTitlesRequest(page_size=5, page_token="a&b")]
    assert answer.json() == {"titles": [], "next_page_token": ""}


async def test_texts_of_any_script_come_through(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/titles/t1")).json()["title"]["name"] == "Solaris — Солярис"


async def test_fields_with_presence_are_left_out_when_absent(api: httpx.AsyncClient) -> None:
    title = (await api.get("/api/v1/titles/t1")).json()["title"]
    assert title["state"] == "TITLE_STATE_UNSPECIFIED"
    assert title["audio_languages"] == []
    assert "published_at" not in title


async def test_an_http_body_is_answered_as_it_is(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/titles/t1/poster")
    assert answer.content == b"\xff\xd8poster"
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_head_is_answered_like_get_without_a_body(api: httpx.AsyncClient) -> None:
    assert (await api.head("/api/v1/titles/t1/poster")).headers["content-type"] == "image/jpeg"


async def test_the_token_of_the_caller_goes_along(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.get("/api/v1/account")
    assert calls.bearers == ["Bearer a.b.c"]


async def test_a_public_method_gets_no_token(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.post("/api/v1/auth:login", json={"password": "correct"})
    assert calls.bearers == [None]


async def test_control_hears_from_where_and_with_what_somebody_signs_in(tmp_path: Path, calls: Calls) -> None:
    async with control(tmp_path, calls) as channel:
        transport = httpx.ASGITransport(Guard(gateway_of(channel)), client=("203.0.113.9", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="https://films.example") as api:
            headers = {b"x-forwarded-for": b"198.51.100.1", b"user-agent": "Fernsehger\xe4t/1".encode("latin-1")}
            await api.post("/api/v1/auth:login", json={"password": "x"}, headers=headers)
    assert calls.introductions == [("secret", "203.0.113.9", "Fernsehger%C3%A4t/1")]


async def test_the_service_token_goes_along_with_no_call_of_a_person(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.get("/api/v1/account", headers=SIGNED_IN)
    assert calls.introductions == [(None, None, None)]


async def test_without_a_token_the_answer_is_401_with_a_challenge(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/account", headers=ANONYMOUS)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer a b", "Bearer \xe9", "Bearer " + "x" * 5000])
async def test_a_malformed_credential_never_reaches_control(api: httpx.AsyncClient, calls: Calls, header: str) -> None:
    answer = await api.get("/api/v1/account", headers={b"authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert calls.requests == []


async def test_errors_are_problems(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/titles/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no such title",
        "request_id": answer.headers["x-request-id"],
        "code": "NOT_FOUND",
    }


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (PermissionDenied("no"), 403),
        (Conflict("no"), 409),
        (ResourceExhausted("no"), 429),
        (ResourceExhausted("no", retry_seconds=58.2), 429),
        (Unavailable("no"), 503),
        (DataLoss("no"), 500),
        (MatineeError("no"), 500),
    ],
)
async def test_each_grpc_status_has_its_http_status(
    api: httpx.AsyncClient, calls: Calls, failure: MatineeError, status: int
) -> None:
    calls.failure = failure
    answer = await api.get("/api/v1/titles/t1")
    assert answer.status_code == status
    pause = "59" if failure.retry_seconds else "5" if status == 503 else None
    assert answer.headers.get("retry-after") == pause


async def test_what_went_wrong_inside_stays_inside(api: httpx.AsyncClient, calls: Calls) -> None:
    calls.failure = MatineeError("password of the database is hunter2")
    assert "hunter2" not in (await api.get("/api/v1/titles/t1")).text


async def test_without_control_the_answer_is_503_with_retry_after(tmp_path: Path) -> None:
    channel = open_channel(f"unix:{tmp_path}/nobody.sock")
    async with client_of(gateway_of(channel)) as api:
        answer = await api.get("/api/v1/titles")
    await channel.close()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_a_deadline_ends_a_call_that_takes_too_long(tmp_path: Path) -> None:
    calls = Calls()
    calls.gate = asyncio.Event()
    async with control(tmp_path, calls) as channel, client_of(gateway_of(channel, deadline_seconds=0.1)) as api:
        answer = await api.get("/api/v1/titles")
    assert answer.status_code == 503
    assert "too long" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/",
        "/api/v1/titles/",
        "/api/v1/titles/a%2Fb",
        "/api/v1/titles/..%2f..%2fetc%2fpasswd",
        "/api/v1/titles/%00",
        "/api/v1/titles/t1%0a",
        "/api/v1/titles/t1:delete",
        "/api/v1/../v1/x",
        "//api/v1/titles",
        "/matinee.v1.AuthService/GetKeys",
        "/api/v1/matinee.v1.AuthService/VerifyToken",
    ],
)
async def test_an_unknown_path_is_404(api: httpx.AsyncClient, calls: Calls, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404
    assert calls.requests == []


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1/account", "GET, HEAD"),
        ("OPTIONS", "/api/v1/auth:login", "POST"),
        ("POST", "/api/v1/titles/t1", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/api/v1/titles/t1:play", "POST"),
    ],
)
async def test_a_wrong_method_is_405_and_told_which_are_right(
    api: httpx.AsyncClient, method: str, path: str, allow: str
) -> None:
    answer = await api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[" * 1000 + b"]" * 1000, "too deep"),
        (b"[" * 60_000, "too many values"),
        (b'{"email":[' + b"[]," * 20_000 + b"[]]}", "too many values"),
        (b'{"email":[' + b"0," * 20_000 + b"0]}", "too many values"),
        (b"{" + b",".join(b'"%x":0' % number for number in range(5000)) + b"}", "too many values"),
        (b'{"email":' * 60 + b"1" + b"}" * 60, "too deep"),
        (b'{"email": 7}', "email must be a text"),
        (b'{"email": "\\ud800"}', "email must be a text"),
        (b'{"email": "a\\u0000b"}', "NUL"),
        (b'{"nobody": ""}', "nobody"),
        (b'{"email": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"email": NaN}', "email must be a text"),
        (b'{"no\\nbody": ""}', "'no\\nbody'"),
    ],
)
async def test_a_bad_body_is_400_with_a_sentence(
    api: httpx.AsyncClient, calls: Calls, body: bytes, reason: str
) -> None:
    answer = await api.post("/api/v1/auth:login", content=body)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert calls.requests == []


@pytest.mark.parametrize(
    "query",
    [
        "page_size=x",
        "page_size=",
        "page_size=99999999999",
        "page_size=1&page_size=2",
        "page_token=%00",
        "page_token=%ff",
        "page_token.x=1",
        "nobody=1",
        "=1",
        "&".join(f"p{number}=1" for number in range(100)),
    ],
)
async def test_a_bad_query_is_400(api: httpx.AsyncClient, calls: Calls, query: str) -> None:
    assert (await api.get(f"/api/v1/titles?{query}")).status_code == 400
    assert calls.requests == []


async def test_a_method_with_a_body_takes_no_query(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/v1/titles/t1:play?device=tv")).status_code == 400


async def test_an_empty_body_is_an_empty_message(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.post("/api/v1/titles/t1:play")
    assert calls.requests == [PlayRequest(title_id="t1")]


async def test_a_huge_body_is_413(api: httpx.AsyncClient) -> None:
    body = json.dumps({"email": "x" * LARGEST_BODY}).encode()
    assert (await api.post("/api/v1/auth:login", content=body)).status_code == 413


async def test_an_endless_body_is_413_as_soon_as_it_is_too_long(api: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    assert (await api.post("/api/v1/auth:login", content=endless())).status_code == 413
    assert sent <= LARGEST_BODY + 2 * 65_536


@pytest.mark.parametrize("headers", [ANONYMOUS, {"authorization": "Basic YTpi"}])
async def test_without_a_credential_no_body_is_read(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    assert (await api.patch("/api/v1/titles/t1", content=body(), headers=headers)).status_code == 401
    assert not read


async def test_the_largest_text_that_is_taken_fits(api: httpx.AsyncClient, calls: Calls) -> None:
    body = json.dumps({"synopsis": "\N{CLAPPER BOARD}" * 5000})
    assert (await api.patch("/api/v1/titles/t1", content=body)).status_code == 200
    assert len(calls.requests[0].synopsis) == 5000


async def test_a_form_is_415(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/auth:login", data={"email": "ada@example.org"})
    assert answer.status_code == 415


async def test_every_answer_has_a_request_id_and_safe_headers(api: httpx.AsyncClient) -> None:
    first, second = await api.get("/api/v1/titles"), await api.get("/api/v1/nothing")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    for answer in (first, second):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
