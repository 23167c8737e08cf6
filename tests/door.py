"""The edge's own server on loopback, inside the test's event loop: with any application behind it, or with the door."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

import edge.server
from edge.server import _config, _listen, _Server
from matinee.settings import HttpSettings
from tests.control_house import House


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


@asynccontextmanager
async def open_door(house: House) -> AsyncIterator[None]:
    """A whole edge of a running control, at the address of its settings."""
    secret, stop = house.settings.service_token_file.read_text(), asyncio.Event()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            edge.server.serve(
                house.settings, house.store, house.channel, secret, stop, on_listening=listening.set_result
            )
        )
        await listening
        yield
        stop.set()
