"""An access token in the head of requests to the public door (RFC 6750)."""

from collections.abc import Callable, Generator

import httpx
from typing_extensions import override

Renew = Callable[[str], str]
"""Gives another access token in place of the one that was refused. Raises `Unauthenticated` or `Unavailable`."""


class Bearer(httpx.Auth):
    """Sends an access token along; a request that is refused for it is sent once more with a renewed one.

    So a body must be one that can be read twice: no generator.
    """

    def __init__(self, token: str, renew: Renew | None = None) -> None:
        self._token = token
        self._renew = renew

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        answer = yield self._signed(request)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._renew:
            self._token = self._renew(self._token)
            yield self._signed(request)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
