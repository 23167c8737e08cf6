"""Request ids: one for each request at the door, in every line that is logged for it, wherever that is.

The edge makes it, or takes it from a proxy that it trusts; it goes along with calls of gRPC, and with the job that an
upload becomes. Within a process it is one of structlog's context variables, so that every log line has it by itself.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from uuid import uuid4

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

KEY = "x-request-id"
"""The header of HTTP, and the key of gRPC's metadata."""
TRACEPARENT = "traceparent"
_NAME = "request_id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def made() -> str:
    """A new request id."""
    return uuid4().hex


def taken(headers: Mapping[str, str]) -> str:
    """The id that headers tell: X-Request-Id, or the trace of a traceparent (W3C); empty when they tell none."""
    told = headers.get(KEY, "")
    if _WELL_FORMED.fullmatch(told):
        return told
    trace = _TRACEPARENT.fullmatch(headers.get(TRACEPARENT, ""))
    return trace[1] if trace else ""


def within(request_id: str) -> AbstractContextManager[None]:
    """What is done inside belongs to this request; to none, when it is empty."""
    return bound_contextvars(**{_NAME: request_id} if request_id else {})


def begin(request_id: str) -> None:
    """From here to its end the present task belongs to this request."""
    if request_id:
        bind_contextvars(**{_NAME: request_id})


def current() -> str:
    """The request that is being worked on here; empty when it is none."""
    return str(get_contextvars().get(_NAME, ""))
