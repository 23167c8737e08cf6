"""Errors as HTTP answers: problem+json (RFC 9457), mapped from the canonical status of the error (AIP-193)."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from matinee.errors import MatineeError, Status

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""When to come again to what is away, or has no room for a moment."""
UNREGISTERED = {460: "Checksum Mismatch", 499: "Client Closed Request"}
HIDDEN = "The server failed at this; its log says why."
CUT_OFF = "the server stops and could not wait for this any longer; try again"
"""What is said of a request that had not been answered when the server went (http.grace_seconds)."""


class Refusal(MatineeError):
    """A refusal that only HTTP or tus has a status for: 405, 408, 413, 415, 460; with the headers that belong to it."""

    status = Status.INVALID_ARGUMENT

    def __init__(self, http_status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.http_status = http_status
        self.headers = headers or {}


def problem(error: MatineeError, request_id: str = "") -> Response:
    """The answer that an error becomes. What went wrong inside the server stays inside.

    With the id of the request its lines are found in the logs of all services.
    """
    number = error.http_status if isinstance(error, Refusal) else error.status.http
    document = {
        "type": "about:blank",  # RFC 9457, 4.2.1: the status says it all
        "title": _title(number),
        "status": int(number),
        "detail": HIDDEN if number == HTTPStatus.INTERNAL_SERVER_ERROR else str(error),
        "code": error.status.name,
    }
    if error.cause:
        document["cause"] = error.cause
    if request_id:
        document["request_id"] = request_id
    return Response(json.dumps(document), number, _headers(error, number), MEDIA_TYPE)


def _title(number: int) -> str:
    return UNREGISTERED.get(number) or HTTPStatus(number).phrase


def _headers(error: MatineeError, number: int) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if number == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="matinee"'  # RFC 6750, 3
    away = RETRY_SECONDS if number == HTTPStatus.SERVICE_UNAVAILABLE else None
    if pause := error.retry_seconds or away:
        headers["retry-after"] = str(math.ceil(pause))
    return headers | {"cache-control": "no-store"}
