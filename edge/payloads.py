"""The bodies of calls of the API, bounded in size, in time, and in how many of the large ones are in memory at once.

A body in JSON, or one that anybody may send, is small. One that is taken as it is, such as a picture, may be larger;
who sends it has shown before that a publisher is signed in.
"""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from edge import tus
from edge.bindings import Binding
from edge.bodies import Receivers
from edge.problems import Refusal
from edge.publishers import Publishers
from matinee.errors import Cancelled

LARGEST_BODY = 64 * 1024
"""In bytes; the largest text that a message takes has 5,000 characters, of up to 12 bytes in JSON."""
LARGEST_RAW_BODY = 4 * 1024**2
BODY_SECONDS = 30
JSON = "application/json"
CLOSING = {"connection": "close"}


class Payloads:
    """Reads bodies. Every refusal comes before what it is about has been taken into memory."""

    def __init__(self, publishers: Publishers) -> None:
        self._publishers = publishers
        self._receivers = Receivers()

    async def read(self, request: Request, binding: Binding) -> bytes:
        """The body of a call; empty for a method that takes none. Raises `Refusal`, and what `Publishers` raise."""
        if not binding.body:
            return b""
        if binding.raw and not binding.public:
            publisher = await self._publishers.claimed(request)
            async with self._receivers.place(publisher.account_id):
                return await _whole(request, LARGEST_RAW_BODY)
        data = await _whole(request, LARGEST_BODY)
        if data and not binding.raw and content_type(request, JSON).partition(";")[0].strip().lower() != JSON:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body must be {JSON}")
        return data


def content_type(request: Request, otherwise: str = "") -> str:
    """What a body says that it is."""
    return request.headers.get("content-type", otherwise)


async def _whole(request: Request, largest: int) -> bytes:
    """All bytes of a body."""
    if "content-length" in request.headers:
        _check(tus.number(request.headers, "content-length"), largest)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                _check(len(body) + len(chunk), largest)
                body += chunk
    except TimeoutError as error:
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "the body took too long", CLOSING) from error
    except ClientDisconnect as error:
        raise Cancelled("the client went away") from error
    return bytes(body)


def _check(size: int, largest: int) -> None:
    if size > largest:
        most = f"{largest // 1024} KiB" if largest < 1024**2 else f"{largest // 1024**2} MiB"
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most}", CLOSING)
