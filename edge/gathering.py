"""Answers leave in one system call: the head waits for the first piece of the body.

uvloop writes at once what it is given, so that a head alone would be a TCP segment of its own, and wake the client for
nothing.
"""

from asyncio import AbstractEventLoop, Transport
from typing import Any

HEAD = b"HTTP/1.1 "


class GatheringTransport:
    """A transport that holds a head back until the next write, or the end of this turn of the event loop."""

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data, after a head that waits; nowhere, when the client has left.

        uvloop raises an error then, in the turn before the protocol hears of it.
        """
        if self._transport.is_closing():
            return
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines([head, data])
        elif data[: len(HEAD)] == HEAD:
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what waits, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)
