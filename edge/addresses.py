"""Where a request comes from."""

from starlette.requests import Request


def client_address(request: Request) -> str:
    """The IP address of the client; empty when the connection has none, as in tests."""
    return request.client.host if request.client else ""
