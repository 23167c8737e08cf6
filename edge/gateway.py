"""The API gateway: an ASGI application that turns REST calls into gRPC calls of control.

Control decides who may do what; the gateway passes on the caller's token, or the address and the user agent of a caller
who needs none, and knows no method by name. A caller without a token gets no further than here, unless the method is
public: no body is read for nobody.
"""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from google.api.httpbody_pb2 import HttpBody
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.addresses import client_address
from edge.answers import asked_in, has_it
from edge.bindings import Binding
from edge.cookies import SAFE_METHODS, CookieSessions
from edge.event_streams import EventStream, opened
from edge.guard import ROUTE
from edge.keys import Verifier
from edge.payloads import Payloads, content_type
from edge.problems import Refusal
from edge.publishers import Publishers
from edge.transcoding import Json, json_of, request_message
from matinee.errors import NotFound, Unauthenticated, Unavailable
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import (
    AUTHORIZATION_KEY,
    CACHE_CONTROL_KEY,
    CLIENT_ADDRESS_KEY,
    ETAG_KEY,
    USER_AGENT_KEY,
    WEBHOOK_KEYS,
    request_metadata,
    service_metadata,
)

LONGEST_SIGNATURE = 1024
LONGEST_USER_AGENT = 512
NO_STORE = {"cache-control": "no-store"}
BRIEFLY = "private, max-age=300"


class Gateway:
    """Serves bindings over one channel; streams end when `stop` is set.

    Raises errors of `matinee.errors`, for the door to answer.
    """

    def __init__(
        self,
        channel: Channel,
        service_token: str,
        bindings: Iterable[Binding],
        sessions: CookieSessions,
        *,
        deadline_seconds: float,
        keys: Verifier,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._house = service_metadata(service_token)
        self._sessions = sessions
        self._payloads = Payloads(Publishers(keys, sessions, channel, service_token, deadline_seconds))
        self._deadline = deadline_seconds
        self._stop = stop or asyncio.Event()
        self._calls = [(binding, _callable(channel, binding)) for binding in bindings]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response | EventStream:
        binding, call, path_values = self._route(request.method, request.scope["path"])
        request.scope[ROUTE] = binding.template.plain
        metadata = self._introduction(request) if binding.public else self._credentials(request)
        message = await self._message(request, binding, path_values)
        if binding.streams:
            return await self._stream(call(message, metadata=[*metadata, *request_metadata()]))
        async with translated():
            calling = call(message, metadata=metadata, timeout=self._deadline)
            reply = await calling
            told = dict(await calling.trailing_metadata())
        if isinstance(reply, HttpBody):
            return _content(request, reply, told)
        return self._json_response(request, binding, json_of(reply))

    async def _stream(self, call: Any) -> EventStream:
        try:
            await asyncio.wait_for(opened(call), self._deadline)
        except TimeoutError as error:
            call.cancel()
            raise Unavailable("control took too long to answer; try again") from error
        return EventStream(call, self._stop)

    def _route(self, method: str, path: str) -> tuple[Binding, Any, dict[str, str]]:
        verb = "GET" if method == "HEAD" else method
        allowed = set()
        for binding, call in self._calls:
            path_values = binding.template.match(path)
            if path_values is not None and binding.verb == verb:
                return binding, call, path_values
            if path_values is not None:
                allowed.add(binding.verb)
        if not allowed:
            raise NotFound("the API has no such path; /api/openapi.json lists them")
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} does nothing here", {"allow": _allow(allowed)})

    async def _message(self, request: Request, binding: Binding, path_values: dict[str, str]) -> Any:
        body = await self._payloads.read(request, binding)
        query = request.scope["query_string"]
        message = request_message(binding, path_values, query, body, content_type(request))
        self._sessions.complete(request, binding, message)
        return message

    def _introduction(self, request: Request) -> list[tuple[str, str]]:
        """Whose call it is that needs no credential; control believes it of the house alone.

        One that reads carries a credential all the same, if there is one: an admin may be shown more.
        """
        agent = quote(request.headers.get("user-agent", "")[:LONGEST_USER_AGENT])
        told = (CLIENT_ADDRESS_KEY, client_address(request)), (USER_AGENT_KEY, agent)
        known = self._token(request) if request.method in SAFE_METHODS else []
        return [*self._house, *told, *_signature(request), *known]

    def _credentials(self, request: Request) -> list[tuple[str, str]]:
        if not (token := self._token(request)):
            raise Unauthenticated("sign in first")
        return token

    def _token(self, request: Request) -> list[tuple[str, str]]:
        token = self._sessions.access_token(request)
        return [] if token is None else [(AUTHORIZATION_KEY, f"Bearer {token}")]

    def _json_response(self, request: Request, binding: Binding, document: Json) -> Response:
        cookies = self._sessions.settle(request, binding, document)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        response = Response(text, headers=NO_STORE, media_type="application/json")
        for cookie in cookies:
            response.headers.append("set-cookie", cookie)
        return response


def _callable(channel: Channel, binding: Binding) -> Any:
    """What makes the calls of a binding."""
    make = channel.unary_stream if binding.streams else channel.unary_unary
    return make(
        binding.rpc,
        request_serializer=binding.request_class.SerializeToString,
        response_deserializer=binding.response_class.FromString,
    )


def _content(request: Request, reply: HttpBody, told: dict[str, str]) -> Response:
    """Bytes that are not a message, kept by browsers for as long as control says."""
    headers = {CACHE_CONTROL_KEY: told.get(CACHE_CONTROL_KEY, BRIEFLY)}
    if etag := told.get(ETAG_KEY):
        headers[ETAG_KEY] = etag
        if has_it(asked_in(request.scope["headers"]), etag.encode()):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(reply.data, headers=headers, media_type=reply.content_type)


def _signature(request: Request) -> list[tuple[str, str]]:
    """The headers by which a webhook is signed (Standard Webhooks), where they can be passed on."""
    found = [(key, request.headers.get(key, "")) for key in WEBHOOK_KEYS]
    return [(key, text) for key, text in found if 0 < len(text) <= LONGEST_SIGNATURE and _is_visible(text)]


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _allow(verbs: set[str]) -> str:
    return ", ".join(sorted(verbs | {"HEAD"} if "GET" in verbs else verbs))
