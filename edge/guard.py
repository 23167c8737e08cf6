"""What every application behind the door gets around it: a request id, a log line, safe headers, errors as problems."""

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.addresses import Networks, is_proxy
from edge.problems import CUT_OFF, problem
from matinee.errors import MatineeError, Unavailable
from matinee.telemetry import request_ids, traces
from matinee.telemetry.requests import Requests

ROUTE = "matinee.route"
"""Where in its scope an application that serves many routes leaves the template of the one that it took."""
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # our URLs may carry signatures
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}

log = structlog.get_logger()


class Guard:
    """An ASGI application around another one, which is measured as `route`.

    `quiet` keeps its log lines for debugging. Of `proxies` it takes the id of a request, and the trace that it is of.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        quiet: bool = False,
        route: str = "",
        requests: Requests | None = None,
        proxies: Networks = (),
    ) -> None:
        self._app = app
        self._quiet = quiet
        self._route = route
        self._requests = requests
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        told = Headers(scope=scope) if is_proxy(scope, self._proxies) else {}
        request_id = request_ids.taken(told) or request_ids.made()
        exchange = _Exchange(self._app, scope, receive, send, request_id=request_id, quiet=self._quiet)
        began, method, parent = time.perf_counter(), scope["method"], told.get(request_ids.TRACEPARENT, "")
        with request_ids.within(request_id), self._span(method, parent):
            try:
                await exchange.run()
            finally:
                route, seconds = scope.get(ROUTE, self._route), time.perf_counter() - began
                traces.describe(f"{method} {route}", **{"http.response.status_code": exchange.status})
                if self._requests:
                    self._requests.note(route, method, exchange.status, seconds, exchange.sent)

    def _span(self, method: str, parent: str) -> AbstractContextManager[object]:
        """What people wait for is traced; what probes and browsers load by the way is not."""
        return nullcontext() if self._quiet else traces.span(method, parent=parent, server=True)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, request_id: str, quiet: bool
    ) -> None:
        self._app, self._scope, self._receive, self._next = app, scope, receive, send
        self.status = 0
        self.sent = 0
        """Bytes of the body of the answer."""
        self._id = request_id
        self._log = log.bind(method=scope["method"], path=scope["path"])
        self._say = self._log.debug if quiet else self._log.info

    async def run(self) -> None:
        started = time.perf_counter()
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception as error:  # noqa: BLE001 (the last place that can still answer)
            await self._refuse(error)
        except asyncio.CancelledError:
            await self._cut_off()
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            self._say("request", status=self.status, milliseconds=milliseconds)

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._id
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        else:
            self.sent += len(message.get("body", b""))
        await self._next(message)

    async def _cut_off(self) -> None:
        """Say that the server stops. An answer that has begun breaks off when we return, since its end is missing."""
        if self.status:
            self._log.warning("an answer broke off", reason=CUT_OFF)
        else:
            await self._refuse(Unavailable(CUT_OFF))

    async def _refuse(self, error: Exception) -> None:
        """Answer with the problem; when an answer has begun already, break it off so that nobody takes it as whole."""
        response = problem(error if isinstance(error, MatineeError) else MatineeError(str(error)), self._id)
        if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._log.error("request failed", exc_info=error)
        if self.status:
            raise error
        await response(self._scope, self._receive, self._send)
