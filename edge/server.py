"""The edge as a service: composes the door and serves it with uvicorn until it is told to stop."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Generator, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from edge.addresses import through_proxies
from edge.app import Door
from edge.bindings import bindings
from edge.cmcd.endpoint import EventEndpoint
from edge.cookies import CookieSessions
from edge.gateway import Gateway
from edge.grants import Grants
from edge.health import lean_on
from edge.keys import Keys
from edge.measures import Measures
from edge.media import MediaRoute
from edge.metrics import Metrics
from edge.openapi import openapi
from edge.protocol import strict_protocol
from edge.uploads import Uploads, sweep
from edge.web import STATIC, WebApplication
from matinee.errors import Unavailable
from matinee.follower import following
from matinee.handshake import explained, greet
from matinee.rpc.channel import Channel
from matinee.settings import HttpSettings, Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry.instruments import Instruments
from matinee.telemetry.readiness import Readiness
from matinee.telemetry.readings import add_reading
from protos.comments import DESCRIPTORS, read_comments

FLUSH_SECONDS = 1
"""How long the last reports of players may take to control after that."""
LAST_WORDS_SECONDS = 1
"""How long a request whose time is over may take to say so."""
BACKLOG = 2_048
DAY_SECONDS = 86_400

log = structlog.get_logger()

Listening = Callable[[int], None]


class _Server(uvicorn.Server):
    """uvicorn inside our event loop, which leaves the signals to the program and lets nobody wait in vain."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take those who have connected, because closing the door resets whoever still waits in front of it."""
        waiting = [peer for listener in sockets or [] for peer in _waiting(listener)]
        for server in self.servers:
            server.close()
        for peer in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, peer)
        await super().shutdown(sockets)
        if (cut_off := self.server_state.tasks) and not self.force_exit:  # they have been cancelled, and say so
            await asyncio.wait(cut_off, timeout=LAST_WORDS_SECONDS)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


async def serve(
    settings: Settings,
    store: ObjectStore,
    channel: Channel,
    service_token: str,
    stop: asyncio.Event,
    *,
    on_listening: Listening | None = None,
    instruments: Instruments | None = None,
) -> None:
    """Serve the public door until `stop` is set and the requests in flight are done.

    `on_listening` hears the port once connections are taken. Raises `Unavailable` when the address is taken,
    `PermissionDenied` when control does not know the secret.
    """
    instruments = instruments or Instruments("edge")
    with _listen(settings.http) as listener:
        keys = Keys(channel, service_token)  # without control the first token fetches them
        await greet(explained(keys.refresh, settings))
        edge_id = secrets.token_hex(8)
        grants = Grants(channel, service_token, edge_id, keys.refresh)
        metrics = Metrics(channel, service_token, edge_id)
        door = make_door(
            settings, store, channel, service_token, keys=keys, grants=grants, metrics=metrics, stop=stop,
            instruments=instruments,
        )  # fmt: skip
        server = _Server(_config(door, settings.http))
        add_reading(
            instruments.registry, "matinee_http_connections", "Connections to the public door that are open.",
            lambda: len(server.server_state.connections),
        )  # fmt: skip
        add_reading(
            instruments.registry, "matinee_http_connections_limit", "Most connections (http.connections).",
            lambda: settings.http.connections,
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            followers = [tasks.create_task(following(each)) for each in (grants.run(), metrics.run())]
            tasks.create_task(sweep(settings, store, stop))
            tasks.create_task(_stop(server, stop, instruments.readiness, settings.http.drain_seconds))
            instruments.readiness.serve()
            _announce(listener, on_listening)
            await server.serve([listener])
            for follower in followers:
                follower.cancel()
        with contextlib.suppress(Unavailable, TimeoutError):  # control may be stopping too
            async with asyncio.timeout(FLUSH_SECONDS):
                await metrics.flush()


def make_door(
    settings: Settings,
    store: ObjectStore,
    channel: Channel,
    service_token: str,
    *,
    keys: Keys,
    grants: Grants,
    metrics: Metrics,
    stop: asyncio.Event | None = None,
    instruments: Instruments | None = None,
) -> Door:
    """Everything that the edge serves, put together."""
    instruments = instruments or Instruments("edge")
    measures = Measures(instruments.registry)
    measures.watch_grants(grants)
    measures.watch_reports(metrics)
    lean_on(instruments.readiness, keys, store, settings)
    sessions = CookieSessions(settings.public_url, settings.tokens.refresh_days * DAY_SECONDS)
    deadline = settings.control.deadline_seconds
    gateway = Gateway(channel, service_token, bindings(), sessions, deadline_seconds=deadline, keys=keys, stop=stop)
    media = MediaRoute(
        settings.edge, settings.public_url, store, keys, grants=grants, metrics=metrics, measures=measures
    )
    return Door(
        media=media,
        events=EventEndpoint(keys, metrics),
        uploads=Uploads(settings, store, channel, service_token, keys=keys, sessions=sessions),
        gateway=through_proxies(gateway, settings.http),
        openapi=openapi(bindings(), read_comments(DESCRIPTORS.read_bytes())),
        web=WebApplication(STATIC, settings.public_url),
        keys=keys,
        readiness=instruments.readiness,
        requests=measures.requests,
        proxies=settings.http.trusted_proxies,
    )


def _listen(http: HttpSettings) -> socket.socket:
    """A bound socket. The protocol is named, because asyncio sets TCP_NODELAY only where it is."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((http.host, http.port))
    except OSError as error:
        listener.close()
        raise Unavailable(f"cannot listen on {http.host}:{http.port}: {error.strerror}; set http.port") from error
    listener.listen(BACKLOG)
    return listener


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """Connections that the kernel has made for us and that nobody has taken."""
    while True:
        try:
            peer, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        peer.setblocking(False)
        yield peer


def _announce(listener: socket.socket, on_listening: Listening | None) -> None:
    port = listener.getsockname()[1]
    log.info("listening", port=port)
    if on_listening:
        on_listening(port)


def _config(app: ASGIApp, http: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=strict_protocol(http),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # a client could claim any address
        server_header=False,
        timeout_graceful_shutdown=http.grace_seconds,
    )


async def _stop(server: uvicorn.Server, stop: asyncio.Event, readiness: Readiness, drain_seconds: float) -> None:
    """Say first that the door closes, and close it when whoever asks for that has had time to hear it."""
    await stop.wait()
    readiness.stop()
    await asyncio.sleep(drain_seconds)
    server.should_exit = True
