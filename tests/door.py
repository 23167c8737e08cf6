"""Any application behind the edge's own server, on loopback, inside the test's event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from edge.server import _config, _listen, _Server
from matinee.settings import HttpSettings


def listen() -> socket.socket:
    """A socket that takes connections on a free port; they wait until it is served."""
    return _listen(HttpSettings(port=0))


@asynccontextmanager
async def serving(
    app: ASGIApp, limits: HttpSettings | None = None, listener: socket.socket | None = None
) -> AsyncIterator[int]:
    """Serves the application; gives the port."""
    listener = listener or listen()
    server = _Server(_config(app, limits or HttpSettings()))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task
