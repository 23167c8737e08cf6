"""A method that streams, as Server-Sent Events (WHATWG HTML, 9.2): one JSON message an event.

Nothing is gathered: the next message is read from control when the client has taken the one before, so that a slow
reader slows control down. A comment every KEEP_ALIVE_SECONDS keeps proxies from hanging up. When the client leaves, the
call is cancelled; when the call ends, or the edge stops, the body ends, and the client may come again.
"""

import asyncio
import json
import random
from typing import Any

from starlette.types import Receive, Scope, Send

from edge.transcoding import json_of
from matinee.errors import MatineeError
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import END
from matinee.rpc.metadata import STREAM_OPEN

KEEP_ALIVE_SECONDS = 15.0
KEEP_ALIVE = b": still here\n\n"
RETRY_MILLISECONDS = (2_000, 6_000)
"""When a client comes again: some sooner, some later, so that not all of them come at once."""
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would wait for a full buffer
]


class EventStream:
    """An ASGI application that answers one request with what a call streams, until `stop` is set."""

    def __init__(self, call: Any, stop: asyncio.Event, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._call = call
        self._stop = stop
        self._keep_alive_seconds = keep_alive_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        if scope["method"] == "GET":
            await self._until_either_leaves(receive, send)
        self._call.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_either_leaves(self, receive: Receive, send: Send) -> None:
        work = (_gone(receive), self._stop.wait(), self._pass_on(send))
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._call.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _pass_on(self, send: Send) -> None:
        await _write(send, f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode())  # noqa: S311 - no secret
        reading = asyncio.ensure_future(self._call.read())
        try:
            while True:
                done, _ = await asyncio.wait({reading}, timeout=self._keep_alive_seconds)
                if not done:
                    await _write(send, KEEP_ALIVE)
                    continue
                message = await _read(reading)
                if message is None:
                    return
                await _write(send, f"data: {_line(message)}\n\n".encode())
                reading = asyncio.ensure_future(self._call.read())
        finally:
            reading.cancel()


async def opened(call: Any) -> None:
    """Wait until the other end has taken the call. Raises the error with which it was refused."""
    async with translated():
        metadata = await call.initial_metadata()
        if tuple(STREAM_OPEN[0]) not in {tuple(pair) for pair in metadata}:
            await call.read()


async def _read(reading: "asyncio.Future[Any]") -> Any | None:
    """The next message; None at the end, and when the call failed, since an answer has begun already."""
    try:
        async with translated():
            message = await reading
    except MatineeError:
        return None
    return None if message is END else message


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


def _line(message: Any) -> str:
    return json.dumps(json_of(message), ensure_ascii=False, separators=(",", ":"))
