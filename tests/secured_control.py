"""A control that speaks TLS, or not, on loopback, and the settings of machines that call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from matinee.rpc.server import listen, make_server
from matinee.settings import ControlSettings
from matinee.telemetry.expiries import Expiries
from protos.v1.auth_pb2_grpc import add_AuthServiceServicer_to_server
from tests.authority import Authority, Issued
from tests.control_services import Auth, Calls
from tests.ports import free_port

HOST = "127.0.0.1"


def files(issued: Issued | None = None, authority: Authority | None = None, **more: Any) -> dict[str, Any]:
    """Settings of [control]."""
    shown = {"certificate_file": str(issued.certificate), "private_key_file": str(issued.private_key)} if issued else {}
    return shown | ({"authority_file": str(authority.file)} if authority else {}) | more


@asynccontextmanager
async def control(expiries: Expiries | None = None, **settings: Any) -> AsyncIterator[str]:
    """A control with these settings; gives its address."""
    server, address = make_server(), f"{HOST}:{free_port(HOST)}"
    add_AuthServiceServicer_to_server(Auth(Calls()), server)  # type: ignore[abstract]
    listen(server, ControlSettings(**settings), address, expiries)
    await server.start()
    try:
        yield address
    finally:
        await server.stop(0)
