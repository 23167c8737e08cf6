"""Browser sessions: tokens in cookies that scripts cannot read, for pages of our own origin.

A page opts in with the header `Matinee-Cookies: 1`. No page of another origin can send it without CORS, which the API
does not give. A call that the cookies authorise and that may change something needs the header too, and an `Origin` of
ours when one is sent. Where there is a Bearer token it is used instead, and none of this applies.
"""

import re
from typing import Any

from starlette.requests import Request

from edge.bindings import Binding
from edge.transcoding import Json
from matinee.errors import PermissionDenied, Unauthenticated
from matinee.tokens import LONGEST_TOKEN

HEADER = "matinee-cookies"
ACCESS_COOKIE = "matinee_access"
REFRESH_COOKIE = "matinee_refresh"
ACCESS_PATH = "/"
REFRESH_PATH = "/api/v1"
SAFE_METHODS = frozenset({"GET", "HEAD"})
TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750, 2.1: b64token


def bearer_token(header: str) -> str:
    """The token of an Authorization header. Raises `Unauthenticated` for any other scheme or form."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not TOKEN.fullmatch(token) or len(token) > LONGEST_TOKEN:
        raise Unauthenticated("the Authorization header holds no Bearer token")
    return token


class CookieSessions:
    """Carries the tokens of AuthService in cookies. `public_url` is what browsers call the door."""

    def __init__(self, public_url: str, refresh_seconds: int) -> None:
        self._origin = public_url
        self._secure = public_url.startswith("https:")
        self._refresh_seconds = refresh_seconds

    def access_token(self, request: Request) -> str | None:
        """The access token of a call: of its Authorization header, else of its cookie; None when it has neither.

        Raises `Unauthenticated` when it is malformed, `PermissionDenied` when the cookie may not be used like this.
        """
        if header := request.headers.get("authorization"):
            return bearer_token(header)
        token = request.cookies.get(ACCESS_COOKIE)
        if token and request.method not in SAFE_METHODS:
            self._require_own_page(request)
        return bearer_token(f"bearer {token}") if token else None

    def complete(self, request: Request, binding: Binding, message: Any) -> None:
        """Put the cookie's refresh token into a request that asks for one and came without.

        Raises `PermissionDenied` when a page of another origin opens, renews or ends a session with cookies.
        """
        if _opted_in(request) and (_takes_tokens(binding) or _gives_tokens(binding)):
            self._require_own_page(request)
        if _opted_in(request) and _takes_tokens(binding):
            message.refresh_token = message.refresh_token or request.cookies.get(REFRESH_COOKIE, "")

    def settle(self, request: Request, binding: Binding, document: Json) -> list[str]:
        """The Set-Cookie headers of an answer, whose tokens are taken out of its JSON."""
        if not _opted_in(request):
            return []
        if _gives_tokens(binding):
            access, refresh = document.pop("access_token"), document.pop("refresh_token")
            return self._cookies(access, int(document["expires_in"]), refresh, self._refresh_seconds)
        return self._cookies("", 0, "", 0) if _takes_tokens(binding) else []

    def _cookies(self, access: str, access_seconds: int, refresh: str, refresh_seconds: int) -> list[str]:
        return [
            self._cookie(ACCESS_COOKIE, access, ACCESS_PATH, access_seconds),
            self._cookie(REFRESH_COOKIE, refresh, REFRESH_PATH, refresh_seconds),
        ]

    def _cookie(self, name: str, value: str, path: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"

    def _require_own_page(self, request: Request) -> None:
        origin, host = request.headers.get("origin"), request.headers.get("host")
        if not _opted_in(request):
            raise PermissionDenied("a change that is authorised by cookie needs the header Matinee-Cookies: 1")
        if origin is not None and origin != self._origin and not (host and origin.partition("://")[2] == host):
            raise PermissionDenied("a page of another origin may not use this session")


def _opted_in(request: Request) -> bool:
    return request.headers.get(HEADER) == "1"


def _takes_tokens(binding: Binding) -> bool:
    return "refresh_token" in binding.method.input_type.fields_by_name


def _gives_tokens(binding: Binding) -> bool:
    return "refresh_token" in binding.method.output_type.fields_by_name
