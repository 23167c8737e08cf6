"""A bad way to an S3 server: a proxy on loopback whose requests fail, whose answers are lost, cut off or slow.

It speaks just enough HTTP/1.1 to know where a request ends: each goes to the server over a connection of its own.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

KINDS = ("errors", "lost", "cut", "slow")
PIECE = 64 * 1024
SEED = 20
"""With it each kind comes soon, however small its share."""
SERVICE_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class Faults:
    """What goes wrong: shares of all requests, and `bytes_per_second` for the bodies of the slow ones.

    `errors` never reach the server, the answers of `lost` never the client; `cut` bodies end halfway. `seen` counts
    what happened, and `requests`; `past` is what it was before the last change.
    """

    errors: float = 0
    lost: float = 0
    cut: float = 0
    slow: float = 0
    bytes_per_second: float = 1e6
    seen: Counter[str] = field(default_factory=Counter)
    past: Counter[str] = field(default_factory=Counter)
    chance: Random = field(default_factory=lambda: Random(SEED))

    def begin(self, **shares: float) -> None:
        """From now on this goes wrong, and nothing else; the dice fall as ever, whatever was before."""
        self.errors, self.lost, self.cut, self.slow = (shares.get(name, 0.0) for name in KINDS)
        self.chance = Random(SEED)
        self.past, self.seen = self.seen, Counter()

    def draw(self) -> str:
        """What happens to one request; empty when nothing does."""
        self.seen["requests"] += 1
        drawn = self.chance.random()
        for name in KINDS:
            drawn -= getattr(self, name)
            if drawn < 0:
                self.seen[name] += 1
                return name
        return ""


@asynccontextmanager
async def faulty(endpoint: str, faults: Faults) -> AsyncIterator[str]:
    """Give another endpoint of the server at `endpoint`, with faults on the way to it."""
    target = urlsplit(endpoint)
    serving = set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(reader, writer, (str(target.hostname), target.port or 80), faults))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: tuple[str, int], faults: Faults
) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        async with _closing(writer):
            head, body = await _request(reader, writer)
            fault = faults.draw()
            if fault == "errors":
                writer.write(SERVICE_UNAVAILABLE)
                return
            upstream, to_server = await asyncio.open_connection(*target)
            async with _closing(to_server):
                to_server.write(head + body)
                answer = await upstream.readuntil(b"\r\n\r\n")
                if fault != "lost":
                    writer.write(answer)
                    await _body(upstream, writer, _length(answer), fault, faults.bytes_per_second)


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
        await writer.drain()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
    """The head of a request, such that the server closes after its answer, and the body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
    named = {line.partition(b":")[0].lower(): line for line in lines[1:]}
    if named.pop(b"expect", b""):
        writer.write(CONTINUE)
    named[b"connection"] = b"Connection: close"
    length = int(named.get(b"content-length", b":0").partition(b":")[2])
    return b"\r\n".join([lines[0], *named.values(), b"", b""]), await reader.readexactly(length)


def _length(head: bytes) -> int | None:
    """How long the head says that its body is."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return None


async def _body(
    upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int | None, fault: str, speed: float
) -> None:
    remaining = length // 2 if fault == "cut" and length else None
    while piece := await upstream.read(PIECE):
        if remaining is not None:
            piece = piece[:remaining]
            remaining -= len(piece)
        writer.write(piece)
        await writer.drain()
        if remaining == 0:
            return
        if fault == "slow":
            await asyncio.sleep(len(piece) / speed)
