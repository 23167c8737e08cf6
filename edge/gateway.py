"""The API gateway: an ASGI application that turns REST calls into gRPC calls of control.

Control decides who may do what; the gateway passes on the caller's token, or the address of a caller who needs none,
and knows no method by name. A caller without a token gets no further than here, unless the method is public: no body is
read for nobody.
"""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from google.api.httpbody_pb2 import HttpBody
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.addresses import client_address
from edge.bindings import Binding
from edge.cookies import CookieSessions
from edge.problems import Refusal
from edge.transcoding import Json, json_of, request_message
from matinee.errors import Cancelled, NotFound, Unauthenticated
from matinee.rpc import AUTHORIZATION_KEY, CLIENT_ADDRESS_KEY, Channel, service_metadata, translated

LARGEST_BODY = 64 * 1024
"""In bytes; the largest text that a message takes has 5,000 characters, of up to 12 bytes in JSON."""
BODY_SECONDS = 30
NO_STORE = {"cache-control": "no-store"}
BRIEFLY = {"cache-control": "private, max-age=300"}


class Gateway:
    """Serves bindings over one channel. Raises errors of `matinee.errors`, for the door to answer."""

    def __init__(
        self,
        channel: Channel,
        service_token: str,
        bindings: Iterable[Binding],
        sessions: CookieSessions,
        deadline_seconds: float,
    ) -> None:
        self._house = service_metadata(service_token)
        self._sessions = sessions
        self._deadline = deadline_seconds
        self._calls = [
            (
                binding,
                channel.unary_unary(
                    binding.rpc,
                    request_serializer=binding.request_class.SerializeToString,
                    response_deserializer=binding.response_class.FromString,
                ),
            )
            for binding in bindings
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        binding, call, path_values = self._route(request.method, request.scope["path"])
        metadata = self._introduction(request) if binding.public else self._credentials(request)
        message = await self._message(request, binding, path_values)
        async with translated():
            reply = await call(message, metadata=metadata, timeout=self._deadline)
        if isinstance(reply, HttpBody):
            return Response(reply.data, headers=BRIEFLY, media_type=reply.content_type)
        return self._json_response(request, binding, json_of(reply))

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
        body = await _body(request) if binding.body else b""
        message = request_message(binding, path_values, request.scope["query_string"], body)
        self._sessions.complete(request, binding, message)
        return message

    def _introduction(self, request: Request) -> list[tuple[str, str]]:
        """Whose call it is that needs no credential; control believes it of the house alone."""
        return [*self._house, (CLIENT_ADDRESS_KEY, client_address(request))]

    def _credentials(self, request: Request) -> list[tuple[str, str]]:
        token = self._sessions.access_token(request)
        if token is None:
            raise Unauthenticated("sign in first")
        return [(AUTHORIZATION_KEY, f"Bearer {token}")]

    def _json_response(self, request: Request, binding: Binding, document: Json) -> Response:
        cookies = self._sessions.settle(request, binding, document)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        response = Response(text, headers=NO_STORE, media_type="application/json")
        for cookie in cookies:
            response.headers.append("set-cookie", cookie)
        return response


async def _body(request: Request) -> bytes:
    """The whole body, bounded in size and in time."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise Refusal(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is larger than 64 KiB", {"connection": "close"}
                    )
    except TimeoutError as error:
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "the body took too long", {"connection": "close"}) from error
    except ClientDisconnect as error:
        raise Cancelled("the client went away") from error
    if body and kind != "application/json":
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    return bytes(body)


def _allow(verbs: set[str]) -> str:
    return ", ".join(sorted(verbs | {"HEAD"} if "GET" in verbs else verbs))
