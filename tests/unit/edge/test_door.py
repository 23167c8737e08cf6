"""The door: which application answers a path, whatever else a request claims."""

import ast
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

import edge
from edge.app import Door
from edge.bindings import bindings
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.health import lean_on
from edge.keys import Keys
from edge.web import WebApplication
from matinee.rpc.channel import open_channel
from matinee.settings import load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from matinee.telemetry.readiness import Readiness
from tests.control_services import Calls, control

pytestmark = pytest.mark.anyio

HOSTILE_PATHS = [
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e%252fetc%252fpasswd",
    "/%5c..%5cetc%5cpasswd",
    "//etc/passwd",
    "/%00",
    "/x%00.json",
    "/%ff%fe",
    "/;a=b",
    "/" + "x" * 10_000,
]


def saying(text: str) -> ASGIApp:
    return PlainTextResponse(text)


def ready_of(keys: Keys, store: ObjectStore) -> Readiness:
    readiness = Readiness()
    lean_on(readiness, keys, store, load_settings())
    readiness.serve()
    return readiness


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store((tmp_path / "objects").as_uri())


@pytest.fixture
async def client(tmp_path: Path, store: ObjectStore) -> AsyncIterator[httpx.AsyncClient]:
    async with control(tmp_path, Calls()) as channel:
        keys = Keys(channel, "secret", pause=0)
        door = Door(
            media=saying("media"),
            uploads=saying("uploads"),
            events=saying("events"),
            gateway=Gateway(
                channel, "secret", bindings(), CookieSessions("http://x", 60), deadline_seconds=5, keys=keys
            ),
            openapi={"openapi": "3.1.0"},
            web=WebApplication(tmp_path / "not-built", "http://x"),
            keys=keys,
            readiness=ready_of(keys, store),
        )
        transport, signed_in = httpx.ASGITransport(door), {"authorization": "Bearer a.b.c"}
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=signed_in) as client:
            yield client


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v/asset;URISigningPackage=a.b.c/main.m3u8", "media"),
        ("/v/", "media"),
        ("/uploads", "uploads"),
        ("/uploads/u1", "uploads"),
        ("/cmcd", "events"),
        ("/api/v1/titles", '{"titles":[],"next_page_token":""}'),
        ("/api/openapi.json", '{"openapi":"3.1.0"}'),
        ("/healthz", "alive\n"),
    ],
)
async def test_each_path_has_its_application(client: httpx.AsyncClient, path: str, text: str) -> None:
    assert (await client.get(path)).text == text


@pytest.mark.parametrize("path", ["/v", "/vx/asset", "/uploadsx", "/apix", "/metrics", "/healthz/", "/.well-known/"])
async def test_a_path_that_only_begins_alike_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_keys_are_published(client: httpx.AsyncClient) -> None:
    answer = await client.get("/.well-known/jwks.json")
    key = json.loads(answer.text)["keys"][0]
    assert (key["kid"], key["alg"]) == ("first", "ES256")
    assert "d" not in key
    assert "max-age" in answer.headers["cache-control"]


async def test_an_edge_with_all_it_needs_is_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"ready": True}


async def test_without_control_the_edge_lives_but_is_not_ready(tmp_path: Path, store: ObjectStore) -> None:
    channel = open_channel(f"unix:{tmp_path}/nobody.sock")
    faults = await ready_of(Keys(channel, "secret"), store).faults()
    await channel.close()
    assert faults == ["control: control cannot be reached; try again"]


async def test_without_its_store_the_edge_is_not_ready(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "objects").rmdir()
    (tmp_path / "objects").write_bytes(b"no folder any more")
    async with control(tmp_path, Calls()) as channel:
        faults = await ready_of(Keys(channel, "secret"), store).faults()
    assert faults == ["store: the object store does not answer; try again"]


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1", "/api/v1/titles", "/.well-known", "/watch", "/assets"])
@pytest.mark.parametrize("path", HOSTILE_PATHS)
async def test_hostile_paths_open_nothing(client: httpx.AsyncClient, prefix: str, path: str) -> None:
    answer = await client.get(prefix + path)
    assert answer.status_code in (400, 404) or (prefix, answer.status_code) == ("/watch", 200)
    assert "root:" not in answer.text


@pytest.mark.parametrize("host", ["x/?", "x/healthz?", "evil.example/v/", "", "x\x00", "[::1"])
async def test_a_spoofed_host_changes_nothing(client: httpx.AsyncClient, host: str) -> None:
    anonymous = {"host": host, "authorization": ""}
    assert (await client.get("/api/v1/account", headers=anonymous)).status_code == 401
    assert (await client.get("/v/asset/main.m3u8", headers={"host": host})).text == "media"


def test_nobody_reads_the_url_that_a_host_header_can_forge() -> None:
    for source in Path(edge.__file__).parent.rglob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Attribute)}
        assert not {"url", "base_url", "url_for"} & names, f"{source} reads request.url; use scope['path']"
