"""Media delivery over real sockets to clients that are slow, leave, or are sent away in the middle of a film."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from edge.grants import Grants
from edge.media import MediaRoute
from edge.metrics import Metrics
from matinee import delivery
from matinee.errors import Unavailable
from matinee.settings import EdgeSettings
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Claims, KeySet, SigningKey, jwks
from packager.index import AssetIndex
from protos.v1.playback_pb2 import ConnectResponse
from tests.door import serving
from tests.edge_desk import EdgeDesk, at_work, running
from tests.patience import PATIENCE, until, within
from tests.small_asset import ASSET_ID, TIMELINE, rendition

pytestmark = [pytest.mark.anyio, pytest.mark.integration]
MIB = 1024**2
KEY = SigningKey.generate("k1")
FILM = rendition(1080, fragment=1365 * MIB)  # three fragments, together a little less than 4 GiB
HELD = MIB + MIB // 2
"""Most bytes for a reader: the block that is read for it, the piece that goes out, and what its client has buffered."""
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Endless(ObjectStore):
    """A store whose film is zeros; counts its reads, and can be shut or made to fail."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        obstore.put(
            self._backend, f"assets/{ASSET_ID}/index.bin", AssetIndex(TIMELINE, (FILM, rendition(360))).encode()
        )
        self.open = asyncio.Event()
        self.open.set()
        self.reads = self.cancelled = 0
        self.failing = False

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        self.reads += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failing:
            raise Unavailable("the store is down")
        return bytes(end - start)


@dataclass
class House:
    """A door that serves one film, and control's side of the seam."""

    port: int
    store: Endless
    desk: EdgeDesk

    async def ask(self, *headers: str) -> Client:
        """Send a request for the film; the answer is for the caller to read."""
        now = time.time()
        token = delivery.mint(KEY, ASSET_ID, "s1", now=now, expires_at=now + 600)
        path = delivery.urls("", ASSET_ID, token)[0].replace("main.m3u8", FILM.name)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=64 * 1024)
        writer.write("\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode())
        return reader, writer


class Keys:
    """The edge's keys."""

    def knows(self, kid: str) -> bool:
        return kid == KEY.kid

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        return KeySet.from_jwks(jwks([KEY])).verify(token, kind, audience)

    async def refresh(self) -> None:
        """Nothing to fetch."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    desk, store, keys = EdgeDesk(), Endless(), Keys()
    async with at_work(desk, tmp_path / "c.sock") as channel:
        grants = Grants(channel, "secret", "edge-1", keys.refresh)
        settings = EdgeSettings(cache_bytes=16 * MIB, block_bytes=MIB)
        route = MediaRoute(settings, "http://a", store, keys, grants=grants, metrics=Metrics(channel, "", "e"))
        async with running(grants.run()), serving(route) as port:
            yield House(port, store, desk)


@asynccontextmanager
async def crowd(house: House, size: int) -> AsyncIterator[list[Client]]:
    """Clients that each ask for the film from another place on, and have read the head of the answer."""
    step = FILM.file_size // size
    clients = [await house.ask(f"Range: bytes={number * step}-") for number in range(size)]
    try:
        for reader, _ in clients:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 206")
        yield clients
    finally:
        for _, writer in clients:
            writer.transport.abort()


async def rest(reader: asyncio.StreamReader) -> int:
    """How many bytes come until the server hangs up."""
    received = 0
    async with asyncio.timeout(PATIENCE):
        while piece := await reader.read(MIB):
            received += len(piece)
    return received


def answering() -> int:
    """Tasks that work on answers."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return sum(name.startswith(("RequestResponseCycle", "MediaRoute", "BlockCache", "_disconnect")) for name in names)


def descriptors() -> int:
    """Files and sockets that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    """Memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_three_hundred_slow_readers_of_a_film_hold_little_memory(house: House) -> None:
    before, peak = resident(), 0
    async with crowd(house, 300) as clients:
        for _ in range(4):
            for reader, _ in clients:
                await reader.readexactly(256 * 1024)
            peak = max(peak, resident())
    assert peak - before < 300 * HELD


@asynccontextmanager
async def half_heads(house: House, size: int) -> AsyncIterator[None]:
    """Clients that begin a request and never end it."""
    clients = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(size)]
    for _, writer in clients:
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    try:
        yield
    finally:
        for _, writer in clients:
            writer.transport.abort()


async def test_a_healthy_client_is_served_beside_five_hundred_slow_heads_and_five_hundred_slow_readers(
    house: House,
) -> None:
    async with half_heads(house, 500), crowd(house, 500):
        reader, writer = await house.ask("Range: bytes=0-99999", "Connection: close")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read(-1)).endswith(bytes(100_000))
        writer.close()


async def test_five_hundred_clients_that_vanish_leave_nothing_behind(house: House) -> None:
    async with crowd(house, 1):
        before = descriptors()
    async with crowd(house, 500):
        assert answering() >= 500
        assert descriptors() >= before + 2 * 499
    await until(lambda: answering() == 0 and descriptors() < before)
    reads = house.store.reads
    async with crowd(house, 1):
        assert house.store.reads <= reads + 2


async def test_five_hundred_reads_for_clients_that_have_left_are_cancelled_within_a_second(house: House) -> None:
    house.store.open.clear()
    clients = [await house.ask(f"Range: bytes={number * MIB}-{number * MIB + 99}") for number in range(500)]
    await until(lambda: house.store.reads == 500)
    async with within(1):
        for _, writer in clients:
            writer.transport.abort()
        await until(lambda: house.store.cancelled == 500)


async def test_a_read_that_one_client_still_waits_for_goes_on(house: House) -> None:
    house.store.open.clear()
    clients = [await house.ask("Range: bytes=0-99", "Connection: close") for _ in range(50)]
    await until(lambda: answering() >= 50 and house.store.reads == 1)  # it is for the first to come, who will stay
    (reader, writer), *others = clients
    for _, other in others:
        other.transport.abort()
    await until(lambda: answering() < 10)
    house.store.open.set()
    assert (await reader.read(-1)).endswith(bytes(100))
    assert (house.store.reads, house.store.cancelled) == (1, 0)
    writer.close()


async def test_two_hundred_clients_of_a_cold_segment_cause_one_read(house: House) -> None:
    house.store.open.clear()
    clients = [await house.ask("Range: bytes=1000-3000999", "Connection: close") for _ in range(200)]
    await until(lambda: house.store.reads == 1)
    house.store.open.set()
    answers = await asyncio.gather(*(reader.read(-1) for reader, _ in clients))
    assert {len(answer.partition(b"\r\n\r\n")[2]) for answer in answers} == {3_000_000}
    assert house.store.reads == 1
    for _, writer in clients:
        writer.close()


async def test_a_revoked_session_is_cut_off_in_the_middle_of_a_film(house: House) -> None:
    reader, writer = await house.ask("Connection: close")
    await reader.readexactly(2 * MIB)
    await house.desk.revoke("s1")
    assert 2 * MIB + await rest(reader) < FILM.file_size
    writer.close()
    refused, writer = await house.ask("Connection: close")
    assert (await refused.read(-1)).startswith(b"HTTP/1.1 403")
    writer.close()


async def test_a_limit_that_falls_below_a_film_cuts_it_off_in_the_middle(house: House) -> None:
    reader, writer = await house.ask("Connection: close")
    await reader.readexactly(2 * MIB)
    house.desk.max_height = 720
    await house.desk.news.put(ConnectResponse(renewed=[house.desk.grant("s1", ASSET_ID)]))
    assert 2 * MIB + await rest(reader) < FILM.file_size
    writer.close()


async def test_a_store_that_fails_in_the_middle_never_makes_a_short_answer_look_whole(house: House) -> None:
    reader, writer = await house.ask()
    await reader.readexactly(2 * MIB)
    house.store.failing = True
    assert 2 * MIB + await rest(reader) < FILM.file_size
    writer.close()


async def test_a_store_that_is_down_is_503(house: House) -> None:
    house.store.failing = True
    reader, writer = await house.ask("Range: bytes=0-99", "Connection: close")
    assert (await reader.read(-1)).startswith(b"HTTP/1.1 503")
    writer.close()


async def test_a_client_that_leaves_with_another_request_waiting_ends_its_answer(house: House) -> None:
    _, writer = await house.ask("Range: bytes=5000000-")
    writer.write(b"GET /v/ HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: house.store.reads > 1)
    writer.transport.abort()
    await until(lambda: answering() == 0)
    assert house.store.reads < 100
