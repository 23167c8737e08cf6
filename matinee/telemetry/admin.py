"""The operator's door of a service: measures, life and readiness, on a port that is never the public one.

| path | answers |
|---|---|
| /metrics | the measures, as Prometheus or OpenMetrics text |
| /healthz | 200 while the process answers |
| /readyz | 200 when the service can do its work, else 503; either way each dependency, and why it is not there |

It asks nobody who he is, so it belongs on loopback or on a private network.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator

import structlog
import uvicorn
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from matinee.errors import Unavailable
from matinee.settings import AdminSettings
from matinee.telemetry.instruments import Instruments

NO_STORE = {"cache-control": "no-store"}

log = structlog.get_logger()


class _Server(uvicorn.Server):
    """uvicorn inside our event loop, which leaves the signals to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def open_admin(settings: AdminSettings, instruments: Instruments) -> AsyncIterator[int | None]:
    """Serve a service's instruments for as long as the context lasts; gives the port, or None when there is no host.

    Raises `Unavailable` when the address is taken.
    """
    if not settings.host:
        yield None
        return
    with _listen(settings.host, settings.port_of(instruments.service)) as listener:
        config = uvicorn.Config(
            application(instruments), lifespan="off", ws="none", log_config=None, access_log=False, server_header=False
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        port = int(listener.getsockname()[1])
        log.info("the operator's door is open", port=port)
        try:
            yield port
        finally:
            server.should_exit = server.force_exit = True
            await serving


def application(instruments: Instruments) -> Starlette:
    """What the operator's door answers."""

    async def metrics(request: Request) -> Response:
        await instruments.look()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(instruments.registry), media_type=content_type, headers=NO_STORE)

    async def alive(request: Request) -> Response:
        return PlainTextResponse("alive\n", headers=NO_STORE)

    async def ready(request: Request) -> Response:
        reasons, faults = await instruments.readiness.reasons(), await instruments.readiness.faults()
        dependencies = {name: why or "up" for name, why in reasons.items()}
        said = {"ready": not faults, "faults": faults, "dependencies": dependencies}
        return JSONResponse(said, 503 if faults else 200, NO_STORE)

    endpoints = {"/metrics": metrics, "/healthz": alive, "/readyz": ready}
    return Starlette(routes=[Route(path, endpoint) for path, endpoint in endpoints.items()])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}; set [admin] in matinee.toml") from error
    return listener
