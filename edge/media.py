"""Media delivery: the ASGI application under /v/, with nothing around it.

A request needs a ticket (its signed URL), a grant (what control lets its playback session have now) and a name that
the asset's index knows; everything else is refused. Ranges up to a window are sent from memory as they lie there. More
than that goes out in small copied pieces, as fast as the client takes them, so that a slow reader of a whole film holds
little memory; reads for a client that has left are cancelled.
"""

import asyncio
import time
from collections.abc import Coroutine
from http import HTTPStatus

import structlog
from starlette.types import Message, Receive, Scope, Send

from edge.answers import CORS, NOTHING, PREFLIGHT, Head, asked_in, document_head, file_head
from edge.cache import BlockCache
from edge.cmcd.report import Mode
from edge.cmcd.transmission import attached
from edge.grants import Grants
from edge.keys import Authority
from edge.manifests import Document, File, Library
from edge.measures import Measures
from edge.metrics import Metrics
from edge.problems import CUT_OFF, Refusal, problem
from edge.ranges import ByteRange
from edge.tickets import Ticket, Tickets
from matinee.delivery import split_token
from matinee.errors import MatineeError, Unavailable
from matinee.settings import EdgeSettings
from matinee.storage.object_store import ObjectStore

WINDOW = 4 * 1024**2
"""Largest body that is sent as it lies in memory, in bytes."""
PIECE = 256 * 1024
"""What a longer body is sent in, in bytes; a connection holds two of them at most."""

NOT_MODIFIED = 304
GONE = 499
"""What an answer counts as that broke off, or whose client left."""
MANIFEST, TRACK = "/v/{asset}/{manifest}", "/v/{asset}/{track}"
"""The routes, as they are measured; what is refused counts as the latter."""

Served = tuple[str, int, int]
"""Which route was served, with which status, and how many bytes of body."""

log = structlog.get_logger()


class MediaRoute:
    """Answers requests for manifests and tracks. `origin` is the public URL of the door."""

    def __init__(
        self,
        settings: EdgeSettings,
        origin: str,
        store: ObjectStore,
        keys: Authority,
        *,
        grants: Grants,
        metrics: Metrics,
        measures: Measures | None = None,
    ) -> None:
        measures = measures or Measures()
        self._tickets = Tickets(keys, origin)
        self._grants = grants
        self._metrics = metrics
        self._library = Library(store)
        self._cache = BlockCache(measures.origin(store), settings.cache_bytes, settings.block_bytes)
        self._note = measures.requests.note
        measures.watch_cache(self._cache)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began, method = time.perf_counter(), scope["method"]
        route, status, size = TRACK, GONE, 0
        answer = Answer(send)
        try:
            if method in ("GET", "HEAD"):
                route, status, size = await self._serve(scope, receive, answer)
            elif method == "OPTIONS":
                await _send_whole(answer, Head(204, PREFLIGHT, NOTHING), b"")
                status = 204
            else:
                allowed = {"allow": "GET, HEAD, OPTIONS"}
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "media can only be read", allowed)
        except MatineeError as error:
            status, size = await _refuse(error, scope, receive, send)
        except asyncio.CancelledError:
            if answer.begun:
                size = answer.sent
                file, _ = split_token(scope["path"], "")  # by the token, whoever reads the log could watch
                log.warning("an answer broke off", file=file, reason=CUT_OFF)
            else:
                status, size = await _refuse(Unavailable(CUT_OFF), scope, receive, send)
        finally:
            self._note(route, method, status, time.perf_counter() - began, size)

    async def _serve(self, scope: Scope, receive: Receive, send: "Answer") -> Served:
        raw_path, query = scope["raw_path"], scope["query_string"]
        ticket = self._tickets.issued(raw_path, query) or await self._tickets.issue(raw_path, query)
        found = await self._find(ticket)
        asked = asked_in(scope["headers"])
        if report := attached(query, asked):
            self._metrics.take(ticket.session_id, Mode.REQUEST, report)
        if scope["method"] == "HEAD":
            asked.pop(b"range", None)  # a range has no meaning for HEAD (RFC 9110, 14.2)
        if isinstance(found, Document):
            head, body = document_head(found, asked)
            await _send_whole(send, head, body)
            return MANIFEST, head.status, len(body)
        head = file_head(found, asked)
        if scope["method"] == "HEAD" or head.status == NOT_MODIFIED:
            await _send_whole(send, head, b"")
            return TRACK, head.status, 0
        return await self._send_file(found, head, ticket, receive, send)

    async def _find(self, ticket: Ticket) -> File | Document:
        session_id, asset_id = ticket.session_id, ticket.asset_id
        grant = self._grants.held(session_id, asset_id) or await self._grants.grant(session_id, asset_id)
        asset = self._library.held(asset_id) or await self._library.asset(asset_id)
        if found := asset.found(ticket.name, grant.max_height):
            return found
        return await asyncio.to_thread(asset.find, ticket.name, grant.max_height)

    async def _send_file(self, file: File, head: Head, ticket: Ticket, receive: Receive, send: "Answer") -> Served:
        start, end = head.body.start, head.body.end
        views = self._cache.ready(file.key, start, end) if end - start <= WINDOW else None
        if views is None:
            whole = await _while_connected(receive, self._pour(file, head, ticket, send))
            return TRACK, head.status if whole else GONE, send.sent
        await _send_head(send, head)
        for view in views[:-1]:
            await _send_part(send, view)
        await _send_last(send, views[-1])
        return TRACK, head.status, end - start

    async def _pour(self, file: File, head: Head, ticket: Ticket, send: Send) -> bool:
        """Send what is not in memory, or is too much to be handed over at once; False when it broke off."""
        start, end = head.body.start, head.body.end
        first = end if end - start <= WINDOW else start + PIECE
        views = await self._cache.read(file.key, file.size, start, first)
        await _send_head(send, head)
        while views:
            await _send_part(send, views.pop(0))
        try:
            await self._pour_pieces(file, ByteRange(first, end), ticket, send)
        except MatineeError as error:  # too late for another status: break off, so that nobody takes it as whole
            log.warning("an answer broke off", file=file.key, reason=str(error))
            return False
        await _send_last(send, b"")
        return True

    async def _pour_pieces(self, file: File, rest: ByteRange, ticket: Ticket, send: Send) -> None:
        for start in range(rest.start, rest.end, PIECE):
            await self._find(ticket)  # the session may have ended since, or its limit may have fallen
            end = min(start + PIECE, rest.end)
            await _send_part(send, b"".join(await self._cache.read(file.key, file.size, start, end)))


class Answer:
    """Sends an answer, and knows whether it has begun, and how many bytes of its body went out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.sent = 0

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        await self._send(message)
        self.begun = True
        self.sent += len(message.get("body", b""))


async def _refuse(error: MatineeError, scope: Scope, receive: Receive, send: Send) -> tuple[int, int]:
    """Answer with the problem; its status, and how long it is."""
    response = problem(error)
    response.raw_headers += CORS
    await response(scope, receive, send)
    return response.status_code, len(response.body)


async def _while_connected(receive: Receive, work: Coroutine[None, None, bool]) -> bool:
    """Do the work, but no longer than the client stays; False when that was not long enough."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_disconnect(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.done() and working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait({working, leaving})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _send_whole(send: Send, head: Head, body: bytes) -> None:
    await _send_head(send, head)
    await _send_last(send, body)


async def _send_head(send: Send, head: Head) -> None:
    await send({"type": "http.response.start", "status": head.status, "headers": head.headers})


async def _send_part(send: Send, body: bytes | memoryview) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _send_last(send: Send, body: bytes | memoryview) -> None:
    await send({"type": "http.response.body", "body": body})
