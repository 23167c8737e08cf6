"""The edge as it really listens: one port, a clean stop, a clear sentence when it cannot start."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from edge import server as module
from edge.guard import Guard
from edge.server import serve
from matinee.errors import Unavailable
from matinee.rpc.channel import Channel
from matinee.settings import HttpSettings, Settings, load_settings
from matinee.storage.opening import open_store
from tests.control_services import Calls, control
from tests.door import listen
from tests.patience import PATIENCE, within

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: films.example\r\n\r\n"
SIGNED_IN = {"authorization": "Bearer a.b.c"}


def settings_of(folder: Path, port: int = 0, **http: float) -> Settings:
    return load_settings(data=folder, http={"port": port, **http})


@asynccontextmanager
async def serving(settings: Settings, channel: Channel) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.Event]]:
    """A client of a running edge, and what stops it; on leaving, it has stopped."""
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    store = open_store(settings.store_url)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, store, channel, "secret", stop, on_listening=listening.set_result))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await listening}") as client:
            yield client, stop
        stop.set()


async def shut(port: int) -> None:
    """Wait until nobody is let in any more."""
    with suppress(ConnectionError):
        while True:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()


async def test_it_says_on_which_port_it_listens_and_answers_there(tmp_path: Path) -> None:
    async with control(tmp_path, Calls()) as channel, serving(settings_of(tmp_path), channel) as (client, _):
        answer = await client.get("/readyz")
    assert answer.json() == {"ready": True}
    assert "server" not in answer.headers
    assert "date" in answer.headers


async def test_a_request_in_flight_finishes_after_a_stop(tmp_path: Path) -> None:
    calls = Calls()
    calls.gate = asyncio.Event()
    async with control(tmp_path, calls) as channel, serving(settings_of(tmp_path), channel) as (client, stop):
        pending = asyncio.create_task(client.get("/api/v1/titles", headers=SIGNED_IN))
        await calls.asked.wait()
        stop.set()
        calls.gate.set()
        assert (await pending).status_code == 200


async def test_a_client_that_had_connected_before_a_stop_is_answered(tmp_path: Path) -> None:
    async with control(tmp_path, Calls()) as channel, serving(settings_of(tmp_path), channel) as (client, stop):
        port = client.base_url.port or 0
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        stop.set()
        await shut(port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"connection: close\r\n" in answer


async def started(app: ASGIApp, listener: socket.socket, grace_seconds: int = 20) -> uvicorn.Server:
    """A server that can be shut down at a moment of the test's own."""
    server = module._Server(module._config(app, HttpSettings(grace_seconds=grace_seconds)))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([listener])
    return server


async def test_a_client_who_stands_before_the_door_when_it_shuts_is_answered() -> None:
    listener = listen()
    server = await started(PlainTextResponse("served"), listener)
    with socket.create_connection(listener.getsockname(), PATIENCE) as client:
        client.setblocking(False)
        client.send(GET)
        await server.shutdown([listener])
        assert client.recv(1_000).endswith(b"served")


async def test_a_client_who_was_not_told_of_a_stop_may_ask_once_more() -> None:
    listener, rest = listen(), asyncio.Event()

    async def halting(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await rest.wait()
        await send({"type": "http.response.body", "body": b"rest"})

    server = await started(halting, listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(GET)
    first = await reader.readuntil(b"\r\n\r\n")
    stopped = asyncio.create_task(server.shutdown([listener]))
    await shut(listener.getsockname()[1])
    rest.set()
    first += await reader.readexactly(4)
    writer.write(GET)
    assert b"connection: close" not in first
    assert (await reader.read()).endswith(b"connection: close\r\n\r\nrest")
    writer.close()
    await stopped


async def test_a_stop_does_not_wait_for_a_client_that_asks_nothing(tmp_path: Path) -> None:
    async with control(tmp_path, Calls()) as channel, serving(settings_of(tmp_path), channel) as (client, stop):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port or 0)
        stop.set()
        async with within(5):
            assert await reader.read() == b""
        writer.close()


async def test_a_stop_waits_for_an_answer_but_not_for_ever(tmp_path: Path) -> None:
    calls = Calls()
    calls.gate = asyncio.Event()
    async with (
        asyncio.timeout(PATIENCE),
        control(tmp_path, calls) as channel,
        serving(settings_of(tmp_path, grace_seconds=1), channel) as (client, stop),
    ):
        pending = asyncio.create_task(client.get("/api/v1/titles", headers=SIGNED_IN))
        await calls.asked.wait()
        stop.set()
        answer = await pending
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["connection"] == "close"
    assert "the server stops" in answer.json()["detail"]


async def test_an_answer_that_a_stop_cuts_off_is_not_taken_as_whole() -> None:
    listener = listen()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await asyncio.Event().wait()

    server = await started(Guard(endless), listener, grace_seconds=1)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(GET)
    await reader.readuntil(b"some\r\n")
    async with within(5):
        await server.shutdown([listener])
        assert await reader.read() == b""
    writer.close()


async def test_a_taken_address_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = settings_of(tmp_path, other.getsockname()[1])
        async with control(tmp_path, Calls()) as channel:
            with pytest.raises(Unavailable, match="cannot listen on"):
                await serve(settings, open_store("memory://"), channel, "secret", asyncio.Event())
