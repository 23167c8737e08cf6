"""The transport under answers, on a real socket."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from edge.gathering import GatheringTransport


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


def test_what_is_written_for_a_client_that_has_left_goes_nowhere(runner: asyncio.Runner) -> None:
    async def leave() -> None:
        transport, server, client = await connection()
        transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
        transport.abort()
        await asyncio.sleep(0)
        for data in (b"piece", b"HTTP/1.1 200 OK\r\n\r\n", b"piece"):
            transport.write(data)
        client.close()
        server.close()

    runner.run(leave())
