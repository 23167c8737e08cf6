"""What every application behind the door gets around it: a request id, a log line, safe headers, errors as problems."""

import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.problems import problem
from matinee.errors import MatineeError

SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # our URLs may carry signatures
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}

log = structlog.get_logger()


class Guard:
    """An ASGI application around another one. `quiet` keeps its log lines for debugging."""

    def __init__(self, app: ASGIApp, *, quiet: bool = False) -> None:
        self._app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        await _Exchange(self._app, scope, receive, send, quiet=self._quiet).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, quiet: bool) -> None:
        self._app, self._scope, self._receive, self._next = app, scope, receive, send
        self._status = 0
        self._id = uuid4().hex
        self._log = log.bind(request_id=self._id, method=scope["method"], path=scope["path"])
        self._say = self._log.debug if quiet else self._log.info

    async def run(self) -> None:
        started = time.perf_counter()
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 (the last place that can still answer)
            await self._refuse(error)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            self._say("request", status=self._status, milliseconds=milliseconds)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._id
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        await self._next(message)

    async def _refuse(self, error: Exception) -> None:
        """Answer with the problem; when an answer has begun already, break it off so that nobody takes it as whole."""
        response = problem(error if isinstance(error, MatineeError) else MatineeError(str(error)))
        if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._log.error("request failed", exc_info=error)
        if self._status:
            raise error
        await response(self._scope, self._receive, self._send)
