"""The transport under answers: what it hands to the socket in one call, and what becomes of it on a real one."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
import uvloop

from edge.gathering import GatheringTransport

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Calls(asyncio.Transport):
    """A transport that notes what it is given in each call."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[list[bytes]] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.made.append([data])

    def writelines(self, list_of_data: Sequence[bytes]) -> None:  # type: ignore[override]
        self.made.append(list(list_of_data))

    def is_closing(self) -> bool:
        return False


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


async def connection() -> tuple[GatheringTransport, asyncio.Server, asyncio.StreamWriter]:
    """A served connection, its server and its client."""
    loop = asyncio.get_running_loop()
    taken = loop.create_future()

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            taken.set_result(GatheringTransport(transport, loop))

    server = await loop.create_server(Connection, "127.0.0.1", 0)
    _, client = await asyncio.open_connection(*server.sockets[0].getsockname())
    return await taken, server, client


def test_a_head_leaves_in_one_call_with_the_first_piece_of_its_body(runner: asyncio.Runner) -> None:
    calls = Calls()

    async def answer() -> None:
        transport = GatheringTransport(calls, asyncio.get_running_loop())
        for data in (HEAD, b"piece", b"another"):
            transport.write(data)

    runner.run(answer())
    assert calls.made == [[HEAD, b"piece"], [b"another"]]


def test_a_head_without_a_body_leaves_at_the_end_of_the_turn(runner: asyncio.Runner) -> None:
    calls = Calls()

    async def answer() -> None:
        GatheringTransport(calls, asyncio.get_running_loop()).write(HEAD)
        assert calls.made == []
        await asyncio.sleep(0)
        assert calls.made == [[HEAD]]

    runner.run(answer())


def test_what_is_written_for_a_client_that_has_left_goes_nowhere(runner: asyncio.Runner) -> None:
    async def leave() -> None:
        transport, server, client = await connection()
        transport.write(HEAD)
        transport.abort()
        await asyncio.sleep(0)
        for data in (b"piece", HEAD, b"piece"):
            transport.write(data)
        client.close()
        server.close()

    runner.run(leave())
