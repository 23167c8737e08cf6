"""`POST /cmcd?URISigningPackage=<jwt>`: where players send their events (CTA-5004-B, clauses 2.2 and 3.3).

The token of a playback session's signed URL says whose events they are, whatever the player claims. It delivers
nothing, so the token's container is not asked. Any origin may send; `text/plain` is taken too, because a page that is
being left can send that to another origin without asking first (Fetch, CORS-safelisted request headers). When the
session is over the answer is 410, at which a player sends nothing more (clauses 5 and 6); any other refusal it may try
to mend.
"""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.answers import CORS
from edge.cmcd.report import Mode, parse_records
from edge.keys import Verifier
from edge.metrics import Metrics
from edge.problems import RETRY_SECONDS, Refusal, problem
from edge.tickets import LONGEST_URL
from matinee.delivery import named_session, split_token
from matinee.errors import Cancelled, Expired, MatineeError, ResourceExhausted, Unauthenticated
from matinee.telemetry import request_ids
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE

LARGEST_BODY = 64 * 1024
BODY_SECONDS = 10
OVER = "this playback session is over: nothing more is wanted of it"
TYPES = ("application/cmcd", "text/cmcd", "text/plain")
"""The second one is what CTA-5004-A called it."""
PREFLIGHT = {
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Content-Type",
    "access-control-max-age": "86400",
}


class EventEndpoint:
    """Answers 204 once the events of a body are taken; lines that are none are left out."""

    def __init__(self, keys: Verifier, metrics: Metrics) -> None:
        self._keys = keys
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._answer(Request(scope, receive))
        except MatineeError as error:
            response = problem(error, request_ids.current())
        response.raw_headers += CORS
        response.headers["cross-origin-resource-policy"] = "cross-origin"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=PREFLIGHT)
        if request.method != "POST":
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "events are sent with POST", {"allow": "POST, OPTIONS"})
        session_id = await self._session(request.scope["query_string"])
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in TYPES:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the content type must be {TYPES[0]}")
        events, malformed = await asyncio.to_thread(parse_records, await _body(request))
        self._metrics.leave_out(malformed)
        if not all(self._metrics.take(session_id, Mode.EVENT, event) for event in events):
            sentence = f"more events have come than can be taken now; send them again in {RETRY_SECONDS} s"
            raise ResourceExhausted(sentence, retry_seconds=RETRY_SECONDS)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _session(self, query: bytes) -> str:
        if len(query) > LONGEST_URL:
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the URL is longer than any of ours")
        _, token = split_token("", query.decode("latin-1"))
        if not token:
            raise Unauthenticated("this needs the URISigningPackage of a signed URL; play the title to get one")
        try:
            session_id = named_session(await self._keys.verify(token, DELIVERY_TYPE, DELIVERY_AUDIENCE))
        except Expired as error:
            raise Refusal(HTTPStatus.GONE, OVER) from error
        if self._metrics.is_over(session_id):
            raise Refusal(HTTPStatus.GONE, OVER)
        return session_id


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {LARGEST_BODY} bytes at most")
    except TimeoutError as error:
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from error
    except ClientDisconnect as error:
        raise Cancelled("the body broke off") from error
    return bytes(body)
