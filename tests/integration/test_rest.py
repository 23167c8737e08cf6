"""The REST API from end to end: the real edge on a real port, over real gRPC to the real control."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

import edge.server
from matinee.rpc.channel import open_channel
from matinee.settings import load_settings
from matinee.storage.opening import open_store
from tests.control_house import serve_control

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OPT_IN = {"matinee-cookies": "1"}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an edge that stands on a control of its own."""
    settings = load_settings(data=folder, http={"port": 0})
    store, channel, stop = open_store(settings.store_url), open_channel(settings.control_address), asyncio.Event()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_control(settings, store, stop, hasher=QUICK))
        await channel.channel_ready()
        token = settings.service_token_file.read_text().strip()
        tasks.create_task(edge.server.serve(settings, store, channel, token, stop, on_listening=listening.set_result))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await listening}") as client:
            yield client
        stop.set()
    await channel.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
async def api(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with house(folder) as client:
        yield client


@pytest.fixture
def admin(folder: Path) -> dict[str, str]:
    return dict(json.loads((folder / "admin.json").read_text()))


@pytest.fixture
async def bearer(api: httpx.AsyncClient, admin: dict[str, str]) -> dict[str, str]:
    tokens = (await api.post("/api/v1/auth:login", json=admin)).json()
    return {"authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture(autouse=True)
def no_cookies_of_other_tests(api: httpx.AsyncClient) -> None:
    api.cookies.clear()


async def test_the_edge_is_ready(api: httpx.AsyncClient) -> None:
    assert (await api.get("/readyz")).json() == {"ready": True}


async def test_signing_in_gives_tokens_that_open_the_api(
    api: httpx.AsyncClient, admin: dict[str, str], bearer: dict[str, str]
) -> None:
    account = (await api.get("/api/v1/account", headers=bearer)).json()["account"]
    assert (account["email"], account["role"]) == (admin["email"], "ROLE_ADMIN")


async def test_a_wrong_password_is_401_with_a_sentence(api: httpx.AsyncClient, admin: dict[str, str]) -> None:
    answer = await api.post("/api/v1/auth:login", json=admin | {"password": "wrong"})
    assert answer.status_code == 401
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/v1/account", "/api/v1/titles", "/api/v1/jobs", "/api/v1/playback"])
async def test_nothing_is_open_without_a_token(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 401
    assert (await api.get(path, headers={"authorization": "Bearer e30.e30.e30"})).status_code == 401


async def test_jobs_that_wait_can_be_asked_for(api: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    asked = [await api.get("/api/v1/jobs", params={"waiting": word}, headers=bearer) for word in ("true", "perhaps")]
    assert [answer.status_code for answer in asked] == [200, 400]


async def test_a_refresh_token_works_once(api: httpx.AsyncClient, admin: dict[str, str]) -> None:
    tokens = (await api.post("/api/v1/auth:login", json=admin)).json()
    spent = {"refresh_token": tokens["refresh_token"]}
    assert (await api.post("/api/v1/auth:refresh", json=spent)).status_code == 200
    elsewhere = {"user-agent": "another program"}
    assert (await api.post("/api/v1/auth:refresh", json=spent, headers=elsewhere)).status_code == 401


async def test_two_tabs_that_renew_their_session_at_once_both_go_on(
    api: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    page = {"matinee-cookies": "1"}
    await api.post("/api/v1/auth:login", json=admin, headers=page)
    old = {**page, "cookie": "; ".join(f"{name}={value}" for name, value in api.cookies.items())}
    api.cookies.clear()
    answers = await asyncio.gather(*(api.post("/api/v1/auth:refresh", headers=old) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    renewed = await api.post("/api/v1/auth:refresh", headers=page)
    assert (renewed.status_code, (await api.get("/api/v1/account")).status_code) == (200, 200)


async def test_a_browser_signs_in_renews_and_signs_out_by_cookie(api: httpx.AsyncClient, admin: dict[str, str]) -> None:
    await api.post("/api/v1/auth:login", json=admin, headers=OPT_IN)
    assert (await api.get("/api/v1/account")).status_code == 200
    first = api.cookies["matinee_refresh"]
    assert (await api.post("/api/v1/auth:refresh", headers=OPT_IN)).status_code == 200
    assert api.cookies["matinee_refresh"] != first
    assert (await api.get("/api/v1/account")).status_code == 200
    assert (await api.post("/api/v1/auth:logout", headers=OPT_IN)).status_code == 200
    assert (await api.get("/api/v1/account")).status_code == 401


async def test_nobody_uploads_after_signing_out(api: httpx.AsyncClient, admin: dict[str, str]) -> None:
    tokens = (await api.post("/api/v1/auth:login", json=admin)).json()
    film = {"tus-resumable": "1.0.0", "upload-length": "2", "upload-metadata": "title U2l0YQ=="}
    headers = film | {"authorization": f"Bearer {tokens['access_token']}"}
    begun = await api.post("/uploads", headers=headers)
    await api.post("/api/v1/auth:logout", json={"refresh_token": tokens["refresh_token"]})
    assert (await api.post("/uploads", headers=headers)).status_code == 401
    rest = {"upload-offset": "0", "content-type": "application/offset+octet-stream"}
    assert (await api.patch(begun.headers["location"], headers=headers | rest, content=b"ab")).status_code == 401


async def test_a_new_key_is_known_with_its_first_token_and_old_tokens_stay_good(
    api: httpx.AsyncClient, admin: dict[str, str], bearer: dict[str, str]
) -> None:
    before = {key["kid"] for key in (await api.get("/.well-known/jwks.json")).json()["keys"]}
    fresh = (await api.post("/api/v1/keys:rotate", headers=bearer)).json()["kid"]
    tokens = (await api.post("/api/v1/auth:login", json=admin)).json()
    for token in (tokens["access_token"], bearer["authorization"].removeprefix("Bearer ")):
        headers = {"authorization": f"Bearer {token}", "tus-resumable": "1.0.0"}
        assert (await api.head("/uploads/none", headers=headers)).status_code == 404
    assert {key["kid"] for key in (await api.get("/.well-known/jwks.json")).json()["keys"]} == before | {fresh}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/titles/{}"),
        ("GET", "/api/v1/titles/{}/poster"),
        ("POST", "/api/v1/titles/{}:play"),
        ("PATCH", "/api/v1/titles/{}"),
        ("DELETE", "/api/v1/titles/{}"),
        ("GET", "/api/v1/jobs/{}"),
        ("POST", "/api/v1/jobs/{}:cancel"),
        ("POST", "/api/v1/playback/{}:stop"),
    ],
)
async def test_what_is_not_there_is_404_and_what_is_no_identifier_400(
    api: httpx.AsyncClient, bearer: dict[str, str], method: str, path: str
) -> None:
    assert (await api.request(method, path.format("a" * 26), headers=bearer)).status_code == 404
    for odd in ("' OR 1=1 --", "..%5c..%5cetc", "%F0%9F%8E%AC"):
        assert (await api.request(method, path.format(odd), headers=bearer)).status_code == 400


@pytest.mark.parametrize("query", ["page_token=forged", "page_size=-1", "page_token=%F0%9F%8E%AC"])
async def test_a_list_refuses_odd_pages(api: httpx.AsyncClient, bearer: dict[str, str], query: str) -> None:
    answer = await api.get(f"/api/v1/titles?{query}", headers=bearer)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
