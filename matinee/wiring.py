"""The composition root: each service is given what it needs here, and nowhere else.

A service runs until SIGTERM or SIGINT, of which a second one ends it at once, or, under the supervisor, until its
standard input closes: so no service outlives a supervisor that is killed.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import NoReturn

import structlog
import uvloop

from matinee.bus import EventBus
from matinee.errors import InvalidInput, Unavailable
from matinee.event_log import open_event_log
from matinee.executor import is_cluster, open_executor
from matinee.instance import service_token
from matinee.rpc.channel import open_control
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from matinee.telemetry.admin import open_admin
from matinee.telemetry.expiries import Expiries
from matinee.telemetry.instruments import Instruments
from matinee.telemetry.logs import configure_logging, take_over_logging
from matinee.telemetry.traces import start_traces
from matinee.tokens import Clock

DAY_SECONDS = 86_400
STORE_SECONDS = 10.0
"""How long a start waits for the object store."""

log = structlog.get_logger()

Service = Callable[[Settings, asyncio.Event, Instruments], Awaitable[None]]


async def control(settings: Settings, stop: asyncio.Event, instruments: Instruments) -> None:
    """Serve gRPC."""
    from control.server import serve

    async with open_bus(settings, expiries=instruments.expiries) as bus:
        await serve(settings, await opened_store(settings), bus, stop, instruments=instruments)


async def edge(settings: Settings, stop: asyncio.Event, instruments: Instruments) -> None:
    """Serve the public door."""
    from edge.server import serve

    store, token = await opened_store(settings), service_token(settings)
    async with open_control(settings, instruments.expiries) as channel:
        await serve(settings, store, channel, token, stop, instruments=instruments)


async def worker(settings: Settings, stop: asyncio.Event, instruments: Instruments) -> None:
    """Take jobs and work on them."""
    from ingest.worker import work

    store = await opened_store(settings)
    with open_executor(settings.worker.executor) as executor:
        async with (
            open_control(settings, instruments.expiries) as channel,
            _cluster(settings, instruments) as cluster,
        ):
            token = service_token(settings)
            await work(settings, store, channel, executor, cluster, token, stop, instruments=instruments)


async def dask_worker(settings: Settings, stop: asyncio.Event, instruments: Instruments) -> None:
    """Encode what the scheduler of a Dask cluster gives. Raises `InvalidInput` where none is configured."""
    if not is_cluster(settings.worker.executor):
        raise InvalidInput("worker.executor names no cluster: set it to dask://host:8786, as its scheduler has it")
    from ingest.encoding_worker import open_encoding_worker
    from matinee.cluster.worker import serve

    store = open_store(settings.store_url, settings.store)
    await store.check()  # who cannot store would fail at one piece after the other
    instruments.readiness.depend("store", partial(store.probe, "dask-worker"))
    with open_encoding_worker(settings, store) as encoder:
        instruments.readiness.depend("scratch", encoder.check_room)
        await serve(settings, encoder, encoder.folder, stop, instruments)


SERVICES: dict[str, Service] = {"control": control, "edge": edge, "worker": worker, "dask-worker": dask_worker}


def run(name: str, settings: Settings, *, supervised: bool = False) -> NoReturn:
    """Run one service until it is told to stop, and end the process. Raises what keeps it from starting."""
    configure_logging(name, settings.logs)
    take_over_logging()
    finish_traces = start_traces(name, settings.traces)
    _take_descriptors()
    uvloop.run(_until_stopped(name, settings, finish_traces, supervised))


def _take_descriptors() -> None:
    """As many file descriptors as this process may have, for a connection takes one.

    Systems begin with 1,024 for the sake of programs that call select(), and leave it to others to ask for more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def open_bus(
    settings: Settings, clock: Clock = time.time, expiries: Expiries | None = None
) -> AbstractAsyncContextManager[EventBus]:
    """The event bus that the settings name, for as long as the context lasts; `expiries` tell of its certificates."""
    if settings.events.url.startswith("kafka"):
        from matinee.kafka_bus.bus import open_kafka_bus

        return open_kafka_bus(settings.events, expiries)
    return open_event_log(
        settings.event_log_file,
        clock,
        retention_seconds=settings.events.retention_days * DAY_SECONDS,
        most_bytes=settings.events.max_bytes,
    )


def _cluster(settings: Settings, instruments: Instruments) -> AbstractAsyncContextManager[Executor | None]:
    """The cluster that encodes, if one does."""
    if not is_cluster(settings.worker.executor):
        return nullcontext()
    from matinee.cluster.executor import open_cluster

    return open_cluster(settings, instruments)


async def opened_store(settings: Settings) -> ObjectStore:
    """The object store that the settings name; one that is away may come yet.

    Raises `InvalidInput` for what cannot be opened, `NotFound` for a bucket that is not there, and `PermissionDenied`
    for one that is not for us.
    """
    store = open_store(settings.store_url, settings.store)
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await store.check()
    except (Unavailable, TimeoutError):
        log.warning("the object store does not answer yet", url=settings.store_url)
    return store


def _leave() -> NoReturn:
    """End the process without taking loop and interpreter down; all that the service held is closed by now.

    With grpc, obstore and av loaded that takes a quarter of a second of a core, which is seconds on a busy machine. And
    what was given up may still go on: a call of the object store in obstore's own threads, which panic when Python is
    gone, or the closing of a database connection that SQLAlchemy shields, which the loop would wait for, at times for
    ever.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _until_stopped(
    name: str, settings: Settings, finish_traces: Callable[[], None], supervised: bool
) -> NoReturn:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _told_to_stop, stop, number)
    follower = asyncio.create_task(_stop_at_end_of_input(stop)) if supervised else None
    instruments = Instruments(name)
    async with open_admin(settings.admin, instruments):
        await SERVICES[name](settings, stop, instruments)
    if follower:
        follower.cancel()
    await asyncio.to_thread(finish_traces)
    _leave()


def _told_to_stop(stop: asyncio.Event, number: int) -> None:
    """Stop in order at the first signal; at the second, at once."""
    if stop.is_set():
        os._exit(128 + number)
    stop.set()


async def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stop.set()
