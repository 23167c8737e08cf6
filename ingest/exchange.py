"""Requests of the upload client and their answers, or the errors that answers stand for; and patience with them."""

import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import httpx

from matinee.errors import MatineeError, NotFound, Unavailable, by_http

DELAYS = (0.2, 0.5, 1, 2, 4, 8, 8, 8)
"""Seconds to wait before each new attempt; they begin again when bytes have arrived."""
PASSING = frozenset({408, 425, 429})
"""Statuses of the 400s that may be others when the request is sent again."""

OnBytes = Callable[[int], None]
Answer = TypeVar("Answer")


def exchange(
    http: httpx.Client, method: str, url: str, *, passing: Collection[int] = (), **request: Any
) -> httpx.Response:
    """The answer to a request.

    Raises `Unavailable` for what may be otherwise the next time, `passing` statuses among it, and of other refusals
    what they stand for.
    """
    try:
        answer = http.request(method, url, **request)
    except httpx.TransportError as error:
        raise Unavailable(f"{http.base_url} cannot be reached ({error or type(error).__name__})") from error
    if not answer.is_success:
        raise _error(answer, PASSING.union(passing))
    return answer


def persist(attempt: Callable[[], Answer], arrived: Callable[[], int] = lambda: 0) -> Answer:
    """What an attempt gives, of as many as it takes while more bytes arrive from one to the next.

    Raises `Unavailable` when several in a row have brought none.
    """
    failures = 0
    while True:
        before = arrived()
        try:
            return attempt()
        except Unavailable as error:
            failures = 1 if arrived() > before else failures + 1
            if failures > len(DELAYS):
                raise Unavailable(f"the upload stopped, and the same command continues it: {error}") from error
            time.sleep(DELAYS[failures - 1])


def _error(answer: httpx.Response, passing: Collection[int]) -> MatineeError:
    status = answer.status_code
    kind = Unavailable if status >= 500 or status in passing else NotFound if status == 410 else by_http(status)
    return kind(_detail(answer) or f"the server answered {status} to {answer.request.method}")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
