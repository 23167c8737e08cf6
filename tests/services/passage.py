"""The way to a PostgreSQL: a socket before its own, which can be shut, or let nothing through any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"
PIECE = 64 * 1024


class Passage:
    """Passes on what comes while it is open; what is silenced hangs, and what is shut is cut off and refused."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._shut = False
        self._passing = set[asyncio.Task[None]]()

    def silence(self) -> None:
        """Let nothing through, as when a machine has lost its power: nobody is told."""
        self._open.clear()

    def shut(self) -> None:
        """Cut off who is connected, and let nobody in."""
        self._shut = True
        self._cut()

    def reopen(self) -> None:
        """Let everything through again, to who connects anew."""
        self._cut()
        self._shut = False
        self._open.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let somebody in."""
        if self._shut:
            writer.close()
            return
        task = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    def _cut(self) -> None:
        for task in self._passing:
            task.cancel()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            upstream, to_server = await asyncio.open_unix_connection(self._target)
            with closing(to_server):
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(self._carry(reader, to_server))
                    ways.create_task(self._carry(upstream, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE):
                await self._open.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def passage(url: str, folder: Path) -> AsyncIterator[tuple[str, Passage]]:
    """A passage in a folder to the server of a URL, and the URL by which it is taken."""
    [host] = parse_qs(urlsplit(url).query)["host"]
    way = Passage(Path(host, SOCKET))
    server = await asyncio.start_unix_server(way.accept, folder / SOCKET)
    try:
        yield url.replace(quote(host), quote(str(folder))), way
    finally:
        way.shut()
        server.close()
