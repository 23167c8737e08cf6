"""Browser sessions: what cookies are set, what they open, and whom they do not serve."""

from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path

import httpx
import pytest

from edge.bindings import bindings
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.guard import Guard
from edge.keys import Keys
from protos.v1.auth_pb2 import LogoutRequest, RefreshRequest
from tests.control_services import Calls, control

pytestmark = pytest.mark.anyio

OWN = "https://films.example"
OPT_IN = {"matinee-cookies": "1"}
LOGIN = {"email": "ada@example.org", "password": "correct"}
SESSION = {"cookie": "matinee_access=access-1; matinee_refresh=refresh-1"}


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def api(tmp_path: Path, calls: Calls) -> AsyncIterator[httpx.AsyncClient]:
    async with control(tmp_path, calls) as channel:
        sessions = CookieSessions(OWN, refresh_seconds=3600)
        gateway = Gateway(channel, "secret", bindings(), sessions, deadline_seconds=5, keys=Keys(channel, "secret"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Guard(gateway)), base_url=OWN) as client:
            yield client


def cookies_of(answer: httpx.Response) -> "dict[str, Morsel[str]]":
    return {
        name: morsel
        for header in answer.headers.get_list("set-cookie")
        for name, morsel in SimpleCookie(header).items()
    }


async def test_signing_in_puts_the_tokens_into_cookies_and_not_into_the_body(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/auth:login", json=LOGIN, headers=OPT_IN)
    assert answer.json() == {"expires_in": 900}
    access, refresh = cookies_of(answer)["matinee_access"], cookies_of(answer)["matinee_refresh"]
    assert (access.value, access["path"], access["max-age"]) == ("access-1", "/", "900")
    assert (refresh.value, refresh["path"], refresh["max-age"]) == ("refresh-1", "/api/v1", "3600")
    for cookie in (access, refresh):
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", True)


async def test_over_plain_http_cookies_are_not_marked_secure(tmp_path: Path, calls: Calls) -> None:
    async with control(tmp_path, calls) as channel:
        sessions = CookieSessions("http://127.0.0.1:8080", 3600)
        gateway = Gateway(channel, "secret", bindings(), sessions, deadline_seconds=5, keys=Keys(channel, "secret"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://x") as api:
            answer = await api.post("/api/v1/auth:login", json=LOGIN, headers=OPT_IN)
    assert not cookies_of(answer)["matinee_access"]["secure"]


async def test_who_does_not_opt_in_gets_tokens_and_no_cookie(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/auth:login", json=LOGIN)
    assert "access_token" in answer.json()
    assert "set-cookie" not in answer.headers


async def test_a_refused_sign_in_sets_no_cookie(api: httpx.AsyncClient) -> None:
    answer = await api.post("/api/v1/auth:login", json=LOGIN | {"password": "wrong"}, headers=OPT_IN)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_the_cookie_stands_in_for_the_bearer_token(api: httpx.AsyncClient, calls: Calls) -> None:
    assert (await api.get("/api/v1/account", headers=SESSION)).status_code == 200
    assert calls.bearers == ["Bearer access-1"]


async def test_a_bearer_token_is_used_before_the_cookie(api: httpx.AsyncClient, calls: Calls) -> None:
    await api.delete("/api/v1/titles/t1", headers=SESSION | {"authorization": "Bearer mine"})
    assert calls.bearers == ["Bearer mine"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"matinee-cookies": "0"},
        OPT_IN | {"origin": "https://evil.example"},
        OPT_IN | {"origin": "null"},
        OPT_IN | {"origin": "http://["},
        OPT_IN | {"origin": "https://evil.example", "host": ""},
        OPT_IN | {"origin": "null", "host": ""},
    ],
)
async def test_a_change_by_cookie_from_elsewhere_is_403(
    api: httpx.AsyncClient, calls: Calls, headers: dict[str, str]
) -> None:
    answer = await api.delete("/api/v1/titles/t1", headers=SESSION | headers)
    assert answer.status_code == 403
    assert calls.requests == []


@pytest.mark.parametrize("headers", [{}, {"origin": OWN}, {"origin": "http://localhost:1", "host": "localhost:1"}])
async def test_a_change_by_cookie_from_our_own_page_is_made(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await api.delete("/api/v1/titles/t1", headers=SESSION | OPT_IN | headers)
    assert answer.status_code == 200


async def test_another_origin_cannot_sign_a_browser_in(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.post("/api/v1/auth:login", json=LOGIN, headers=OPT_IN | {"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert calls.requests == []


async def test_a_refresh_by_cookie_rotates_both_cookies(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.post("/api/v1/auth:refresh", headers=SESSION | OPT_IN)
    assert calls.requests == [RefreshRequest(refresh_token="refresh-1")]
    assert answer.json() == {"expires_in": 900}
    assert {name: morsel.value for name, morsel in cookies_of(answer).items()} == {
        "matinee_access": "access-2",
        "matinee_refresh": "refresh-2",
    }


async def test_a_refresh_without_the_opt_in_does_not_read_the_cookie(api: httpx.AsyncClient, calls: Calls) -> None:
    assert (await api.post("/api/v1/auth:refresh", headers=SESSION)).status_code == 401
    assert calls.requests == [RefreshRequest()]


async def test_signing_out_ends_the_session_and_drops_the_cookies(api: httpx.AsyncClient, calls: Calls) -> None:
    answer = await api.post("/api/v1/auth:logout", headers=SESSION | OPT_IN)
    assert calls.requests == [LogoutRequest(refresh_token="refresh-1")]
    assert {morsel["max-age"] for morsel in cookies_of(answer).values()} == {"0"}


@pytest.mark.parametrize("value", ["a b", "a\x7fb", '"', "x" * 5000, "a,b"])
async def test_a_cookie_that_is_no_token_never_reaches_control(
    api: httpx.AsyncClient, calls: Calls, value: str
) -> None:
    answer = await api.get("/api/v1/account", headers={"cookie": f"matinee_access={value}"})
    assert answer.status_code == 401
    assert calls.requests == []


async def test_a_quoted_cookie_is_read_without_its_quotes(api: httpx.AsyncClient, calls: Calls) -> None:
    assert (await api.get("/api/v1/account", headers={"cookie": 'matinee_access="access-1"'})).status_code == 200
    assert calls.bearers == ["Bearer access-1"]
