"""Where a request comes from."""

from ipaddress import ip_address
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from matinee.settings import HttpSettings


def client_address(request: Request) -> str:
    """The IP address of the client, without a zone; empty when nobody tells one, or a proxy what is none."""
    address = request.client.host.partition("%")[0] if request.client else ""
    try:
        ip_address(address)
    except ValueError:
        return ""
    return address


def through_proxies(application: ASGIApp, http: HttpSettings) -> ASGIApp:
    """The application, to which what a trusted proxy passes on comes from the client that the proxy saw.

    That is the last address of X-Forwarded-For that is no trusted proxy itself: those before it are the client's words.
    """
    trusted = [str(network) for network in http.trusted_proxies]
    return cast("ASGIApp", ProxyHeadersMiddleware(application, trusted))  # type: ignore[arg-type]
