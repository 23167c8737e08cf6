"""HTTP/1.1 as the public door takes it: uvicorn's protocol over llhttp, with limits and without doubt.

llhttp refuses Content-Length beside Transfer-Encoding, a repeated Content-Length, bare line feeds and folded lines
(RFC 9112, 2.2, 5.2 and 6.3). What it lets through is refused here: heads without end in size (431) or time (408), no
Host or several (RFC 9112, 3.2), other transfer codings than chunked, trailers, and more connections than are allowed,
in all or of one address (503). Whoever is refused is disconnected. So is a client that takes no data for minutes.

No other protocol is spoken here. The parser takes no body behind an Upgrade or a CONNECT, and what comes next for a new
request, where a proxy before us sees one request with a body. So CONNECT and an Upgrade with a body are refused (400);
an Upgrade without one is answered as if it had not been offered (RFC 9110, 7.8), and nothing behind it is heard.
"""

import re
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import NoReturn

import structlog
from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from edge.gathering import GatheringTransport
from edge.peers import Peers
from edge.problems import Refusal, problem
from matinee.errors import Unavailable
from matinee.settings import HttpSettings

STALLED_SECONDS = 120
"""How long a client may take to read what has been written for it: at most a window of a few MiB."""
LAST_REQUEST_SECONDS = 1
"""How long after a stop a request that was on its way may still arrive."""
SENTENCES = {
    HTTPStatus.BAD_REQUEST: "this is no request of HTTP that has one meaning only",
    HTTPStatus.REQUEST_TIMEOUT: "the head of the request did not come in time",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the head of the request is too large",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections are open; try again",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "only versions 1.0 and 1.1 of HTTP are spoken here",
}
"""What is said to whoever is refused before there is a request."""
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_VERSIONS = {"1.0", "1.1"}

log = structlog.get_logger()


class _Refused(Exception):
    """Stops the parser; the status lies in the protocol."""


class _Trailers(list[tuple[bytes, bytes]]):
    """Where fields after a body would go: nowhere, because they could pass for fields of the head (RFC 9110, 6.5.1)."""

    def append(self, _: tuple[bytes, bytes]) -> None:
        """Refuse."""
        raise _Refused


class StrictHttpProtocol(HttpToolsProtocol):
    """One connection."""

    limits = HttpSettings()
    _unread = 0
    """Bytes that came since the last whole head or piece of a body."""
    _in_head = False
    _target_bytes = 0
    _refusal = HTTPStatus.BAD_REQUEST
    _head_timer: TimerHandle | None = None
    _stall_timer: TimerHandle | None = None
    _cycles: tuple[RequestResponseCycle, ...] = ()
    """The requests that came and are not answered, oldest first."""
    _stopping = False
    _deaf = False
    """Whether the last request came that is heard on this connection."""
    peers = Peers(limits)

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it when there are too many."""
        super().connection_made(GatheringTransport(transport, self.loop))  # type: ignore[arg-type]
        welcome = self.client is None or self.peers.arrive(self.client[0])
        if not welcome or len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timers, and tell every request that its client has left, not only the newest."""
        if self.client is not None:
            self.peers.leave(self.client[0])
        self._head_arrived()
        for cycle in self._unanswered():
            cycle.disconnected = True
            cycle.message_event.set()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and give up on a head that grows beyond its limit."""
        if self._deaf:
            return
        self._unread += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            self._deaf = True
        except HttpParserError:
            self._refuse(self._refusal)
        if self._unread > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif not self._busy() and self.timeout_keep_alive_task is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """A head has begun."""
        self._in_head = True
        self._target_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Measure the request's target."""
        self._target_bytes += len(url)
        super().on_url(url)

    def on_headers_complete(self) -> None:
        """Judge the head before anybody acts on it."""
        self._judge()
        self._unread = 0
        self._in_head = False
        self._head_arrived()
        super().on_headers_complete()
        self._cycles = (*self._unanswered(), self.cycle)
        if self._stopping or self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self.headers = _Trailers()

    def on_body(self, body: bytes) -> None:
        """Count what comes between pieces of a body."""
        self._unread = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the rest of a head that has begun, not for a new one."""
        super().on_response_complete()
        if self._in_head and not self._busy():
            self._unset_keepalive_if_required()
            self._expect_head()
        if self._stopping:
            self._hang_up_soon()

    def pause_writing(self) -> None:
        """Give the client a while to read."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self.flow is not None:
            super().resume_writing()

    def shutdown(self) -> None:
        """Answer what has been asked, and what was asked while we did not know of the stop; then close."""
        self._stopping = True
        if self._busy() and not self.cycle.response_started:
            super().shutdown()
        elif not self._busy():
            self._hang_up_soon()

    def _judge(self) -> None:
        if self._unread > self.limits.head_bytes:
            size = self._target_bytes + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.limits.head_bytes:
                self._give_up(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            self._give_up(HTTPStatus.BAD_REQUEST)
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            self._give_up(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (version != "1.1" or codings != [b"chunked"]):
            self._give_up(HTTPStatus.BAD_REQUEST)
        if self.parser.should_upgrade() and (self.parser.get_method() == b"CONNECT" or self._declares_a_body()):
            self._give_up(HTTPStatus.BAD_REQUEST)

    def _declares_a_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )

    def _give_up(self, status: HTTPStatus) -> NoReturn:
        self._refusal = status
        raise _Refused

    def _unanswered(self) -> list[RequestResponseCycle]:
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._head_is_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _hang_up_soon(self) -> None:
        """Leave time for a request that is on its way, because the client has not been told that there is no more."""
        self.loop.call_later(LAST_REQUEST_SECONDS, self._hang_up_when_idle)

    def _hang_up_when_idle(self) -> None:
        if not self._busy():
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and hang up; only hang up when that would cut into another answer."""
        if self.transport.is_closing():
            return
        log.debug("refused", status=status.value, client=self.client)
        own_body = self._busy() and self.cycle.more_body and not self.cycle.response_started
        answerable = own_body or not self._busy()
        if self._busy():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if answerable:
            self.transport.write(_refusal(status))
        self.transport.close()


def strict_protocol(limits: HttpSettings) -> type[StrictHttpProtocol]:
    """The protocol class for uvicorn with these limits."""
    return type("StrictHttpProtocol", (StrictHttpProtocol,), {"limits": limits, "peers": Peers(limits)})


def _refusal(status: HTTPStatus) -> bytes:
    busy = status is HTTPStatus.SERVICE_UNAVAILABLE
    answer = problem(Unavailable(SENTENCES[status]) if busy else Refusal(status, SENTENCES[status]))
    head = [b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode())]
    head += [b"%b: %b" % header for header in answer.raw_headers]
    return b"\r\n".join([*head, b"connection: close", b"", bytes(answer.body)])
