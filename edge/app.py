"""The public door: one ASGI application over everything that the edge serves.

| path | application |
|---|---|
| /v/… | media delivery, which does everything itself and so has nothing around it |
| /api/… | the gateway, and its OpenAPI document |
| /uploads… | the tus server |
| /cmcd | the events that players report |
| /.well-known/jwks.json, /healthz, /readyz | keys and health |
| all else | the web application |

Which application answers, and all that it decides, rests on `scope["path"]` alone: a Host header can be anything.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.addresses import Networks
from edge.guard import Guard
from edge.keys import Keys
from edge.problems import Refusal, problem
from edge.transcoding import Json
from matinee.errors import Unavailable
from matinee.telemetry.readiness import Readiness
from matinee.telemetry.requests import Requests

MEDIA = "/v/"
PUBLICLY = {"cache-control": "public, max-age=300"}
"""How long others may keep our documents."""
BRIEFLY = {"cache-control": "public, max-age=1"}
"""The same of our keys: not longer than a new one is published before it signs."""

Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Hands each request to its application."""

    def __init__(
        self,
        *,
        media: ASGIApp,
        uploads: ASGIApp,
        events: ASGIApp,
        gateway: ASGIApp,
        openapi: Json,
        web: ASGIApp,
        keys: Keys,
        readiness: Readiness,
        requests: Requests | None = None,
        proxies: Networks = (),
    ) -> None:
        guarded = partial(Guard, requests=requests, proxies=proxies)
        quiet = {
            "/api/openapi.json": reading(fixed(openapi)),
            "/cmcd": events,
            "/.well-known/jwks.json": reading(jwks(keys)),
            "/healthz": reading(alive),
            "/readyz": reading(ready(readiness)),
        }
        self._media = media
        self._exact = {path: guarded(app, quiet=True, route=path) for path, app in quiet.items()}
        self._exact["/uploads"] = guarded(uploads, route="/uploads")
        self._below = {
            "/api/": guarded(gateway, route="/api/{unknown}"),
            "/uploads/": guarded(uploads, route="/uploads/{upload_id}"),
        }
        self._web = guarded(web, quiet=True, route="/{page}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        app = self._media if path.startswith(MEDIA) else self._exact.get(path) or self._below_of(path)
        await app(scope, receive, send)

    def _below_of(self, path: str) -> ASGIApp:
        return next((app for prefix, app in self._below.items() if path.startswith(prefix)), self._web)


def reading(endpoint: Endpoint) -> ASGIApp:
    """An application that answers GET and HEAD."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", {"allow": "GET, HEAD"})
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return app


def fixed(document: Json) -> Endpoint:
    """A document that never changes."""
    response = JSONResponse(document, headers=PUBLICLY)

    async def endpoint(request: Request) -> Response:
        return response

    return endpoint


def jwks(keys: Keys) -> Endpoint:
    """The keys that verify our tokens (RFC 7517)."""

    async def endpoint(request: Request) -> Response:
        return Response(await keys.published(), headers=BRIEFLY, media_type="application/jwk-set+json")

    return endpoint


async def alive(request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("alive\n", headers={"cache-control": "no-store"})


def ready(readiness: Readiness) -> Endpoint:
    """The truth about what this edge needs: 200 when it can serve, else 503 and why."""

    async def endpoint(request: Request) -> Response:
        if faults := await readiness.faults():
            return problem(Unavailable("; ".join(faults)))
        return JSONResponse({"ready": True}, headers={"cache-control": "no-store"})

    return endpoint
