"""Where a request comes from."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias, cast

from starlette.requests import Request
from starlette.types import ASGIApp, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from matinee.settings import HttpSettings

Networks: TypeAlias = "Sequence[IPv4Network | IPv6Network]"


def client_address(request: Request) -> str:
    """The IP address of the client, without a zone; empty when nobody tells one, or a proxy what is none."""
    address = request.client.host.partition("%")[0] if request.client else ""
    try:
        ip_address(address)
    except ValueError:
        return ""
    return address


def is_proxy(scope: Scope, trusted: Networks) -> bool:
    """Whether a request comes straight from a trusted proxy."""
    if not trusted or not scope.get("client"):
        return False
    try:
        address = ip_address(scope["client"][0])
    except ValueError:
        return False
    return any(address in network for network in trusted)


def through_proxies(application: ASGIApp, http: HttpSettings) -> ASGIApp:
    """The application, to which what a trusted proxy passes on comes from the client that the proxy saw.

    That is the last address of X-Forwarded-For that is no trusted proxy itself: those before it are the client's words.
    """
    trusted = [str(network) for network in http.trusted_proxies]
    return cast("ASGIApp", ProxyHeadersMiddleware(application, trusted))  # type: ignore[arg-type]
