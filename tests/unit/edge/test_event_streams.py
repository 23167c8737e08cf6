"""Streams of control as Server-Sent Events, over a real server, as browsers follow them."""
# ruff: noqa: N802 (gRPC names the methods)

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from edge import event_streams
from edge.bindings import bindings
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.guard import Guard
from edge.keys import Keys
from matinee.errors import PermissionDenied
from matinee.rpc.call_errors import refuse
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import STREAM_OPEN
from matinee.rpc.server import Context, Server, make_server
from protos.v1 import notices_pb2 as pb
from protos.v1.notices_pb2_grpc import NoticeServiceServicer, add_NoticeServiceServicer_to_server
from tests.door import serving
from tests.patience import until, within

pytestmark = pytest.mark.anyio

SIGNED_IN = {"authorization": "Bearer a.b.c"}


class Desk(NoticeServiceServicer):
    """Control's side of the streams: it says what a test puts into its queue."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[pb.WatchNoticesResponse | None] = asyncio.Queue()
        self.asked: list[pb.TailEventsRequest] = []
        self.open = 0
        self.said = 0

    async def WatchNotices(
        self, request: pb.WatchNoticesRequest, context: Context
    ) -> AsyncIterator[pb.WatchNoticesResponse]:
        self.open += 1
        try:
            await context.send_initial_metadata(STREAM_OPEN)
            while (news := await self.news.get()) is not None:
                yield news
                self.said += 1
        finally:
            self.open -= 1

    async def TailEvents(self, request: pb.TailEventsRequest, context: Context) -> AsyncIterator[pb.TailEventsResponse]:
        self.asked.append(request)
        await refuse(context, PermissionDenied("your account does not allow this"))
        yield pb.TailEventsResponse()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def control(desk: Desk, tmp_path: Path, anyio_backend: str) -> AsyncIterator[tuple[Channel, Server]]:
    server, address = make_server(), f"unix:{tmp_path}/control.sock"
    add_NoticeServiceServicer_to_server(desk, server)
    server.add_insecure_port(address)
    await server.start()
    channel = open_channel(address)
    yield channel, server
    await channel.close()
    await server.stop(None)


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def door(control: tuple[Channel, Server], stop: asyncio.Event) -> AsyncIterator[httpx.AsyncClient]:
    channel, _ = control
    sessions, keys = CookieSessions("https://films.example", 60), Keys(channel, "secret")
    gateway = Gateway(channel, "secret", bindings(), sessions, deadline_seconds=5, keys=keys, stop=stop)
    async with serving(Guard(gateway)) as port:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, headers=SIGNED_IN, trust_env=False) as client:
            yield client


@asynccontextmanager
async def following(
    door: httpx.AsyncClient, **headers: str
) -> AsyncIterator[tuple[httpx.Response, AsyncIterator[str]]]:
    async with door.stream("GET", "/api/v1/notices", headers=headers) as answer:
        yield answer, answer.aiter_lines()


async def next_data(lines: AsyncIterator[str]) -> object:
    """The data of the next event."""
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    raise EOFError


def title(name: str) -> pb.WatchNoticesResponse:
    return pb.WatchNoticesResponse(title=pb.TitleNews(title_id="t1", name=name))


async def test_each_message_is_an_event_with_json(door: httpx.AsyncClient, desk: Desk) -> None:
    async with following(door) as (answer, lines):
        assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-store"
        for name in ("Solaris — Солярис", "two\nlines"):
            async with within(1):
                await desk.news.put(title(name))
                assert await next_data(lines) == {"title": {"title_id": "t1", "name": name}}


async def test_the_client_is_told_when_to_come_again(door: httpx.AsyncClient) -> None:
    async with following(door) as (_, lines):
        assert 2_000 <= int((await anext(lines)).removeprefix("retry: ")) <= 6_000


async def test_a_browser_follows_with_its_cookie_alone(door: httpx.AsyncClient, desk: Desk) -> None:
    async with following(door, authorization="", cookie="matinee_access=a.b.c") as (_, lines):
        await desk.news.put(title("Solaris"))
        assert await next_data(lines)


async def test_nobody_follows_without_a_credential(door: httpx.AsyncClient, desk: Desk) -> None:
    assert (await door.get("/api/v1/notices", headers={"authorization": ""})).status_code == 401
    assert desk.open == 0


async def test_a_refusal_is_a_problem_and_no_stream(door: httpx.AsyncClient, desk: Desk) -> None:
    answer = await door.get("/api/v1/events:tail?topics=movie-played&topics=movie-paused&from_beginning=true")
    assert (answer.status_code, answer.json()["detail"]) == (403, "your account does not allow this")
    assert desk.asked == [pb.TailEventsRequest(topics=["movie-played", "movie-paused"], from_beginning=True)]


async def test_when_the_client_leaves_control_hears_it_within_a_second(door: httpx.AsyncClient, desk: Desk) -> None:
    async with following(door):
        await until(lambda: desk.open == 1)
    async with within(1):
        await until(lambda: desk.open == 0)


async def test_a_stream_that_control_ends_is_whole(door: httpx.AsyncClient, desk: Desk) -> None:
    async with following(door) as (_, lines):
        await desk.news.put(None)
        with pytest.raises(EOFError):
            await next_data(lines)


async def test_a_stream_ends_whole_when_control_dies(door: httpx.AsyncClient, control: tuple[Channel, Server]) -> None:
    async with following(door) as (_, lines):
        await control[1].stop(None)
        with pytest.raises(EOFError):
            await next_data(lines)


async def test_a_stream_ends_whole_when_the_edge_stops(
    door: httpx.AsyncClient, desk: Desk, stop: asyncio.Event
) -> None:
    async with following(door) as (_, lines):
        stop.set()
        with pytest.raises(EOFError):
            await next_data(lines)
    await until(lambda: desk.open == 0)


async def test_comments_keep_a_quiet_stream_alive(
    door: httpx.AsyncClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams.EventStream.__init__, "__defaults__", (0.01,))
    async with following(door) as (_, lines):
        assert [line async for line in _first(lines, 5) if line.startswith(":")]
        await desk.news.put(title("Solaris"))
        assert await next_data(lines) == {"title": {"title_id": "t1", "name": "Solaris"}}


async def test_a_reader_that_does_not_read_slows_control_down(door: httpx.AsyncClient, desk: Desk) -> None:
    count = 3_000
    for _ in range(count):
        desk.news.put_nowait(title("x" * 20_000))
    async with following(door):
        await until(lambda: desk.said > 0)
        said = -1
        while said < desk.said:
            said = desk.said
            await asyncio.sleep(0.2)
        assert said < count


async def test_head_has_no_body_and_leaves_nothing_open(door: httpx.AsyncClient, desk: Desk) -> None:
    answer = await door.head("/api/v1/notices")
    assert (answer.status_code, answer.content) == (200, b"")
    await until(lambda: desk.open == 0)


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield await anext(lines)
