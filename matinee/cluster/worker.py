"""A worker of a Dask cluster: a process that does one thing at a time, and comes back when the scheduler was lost."""

import asyncio
import os
import platform
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import dask
import structlog
from distributed import Worker

from matinee.cluster.connection import ENCODE, PAUSE_SECONDS, address, has_tls, security
from matinee.cluster.logs import take_over_logs
from matinee.cluster.membership import Membership
from matinee.cluster.work import Station
from matinee.errors import InvalidInput, Unavailable
from matinee.settings import Settings
from matinee.telemetry.instruments import Instruments

CLOSE_SECONDS = 3.0
CONFIGURATION = {"distributed.worker.profile.enabled": False, "distributed.worker.use-file-locking": False}
"""What profiles Python costs CPU, and says nothing of ffmpeg."""

log = structlog.get_logger()


async def serve(
    settings: Settings, equipment: object, folder: Path, stop: asyncio.Event, instruments: Instruments
) -> None:
    """Do what the scheduler gives, until `stop` is set; `equipment` is at hand for it, `folder` is Dask's own.

    Raises `InvalidInput` for an address that is open to strangers.
    """
    take_over_logs()
    refuse_open(settings)
    stopping = asyncio.create_task(stop.wait())
    at_service = asyncio.Event()
    membership = Membership(settings, instruments.expiries)
    instruments.readiness.depend("scheduler", partial(_check, at_service))
    instruments.readiness.serve()
    with dask.config.set(CONFIGURATION):
        while not stop.is_set():
            await _serve_once(_worker(settings, equipment, folder), membership, at_service, stopping)


def refuse_open(settings: Settings) -> None:
    """Raises `InvalidInput` for an address at which strangers could send a worker what it runs."""
    host = ip_address(settings.cluster.host)
    if not has_tls(settings) and (host.is_unspecified or host.is_global):
        raise InvalidInput(
            f"whoever reaches cluster.host {host} could run programs here: "
            "listen on loopback or a private network, or use dask+tls://"
        )


def _worker(settings: Settings, equipment: object, folder: Path) -> Worker:
    host = settings.cluster.host
    return Worker(
        address(settings),
        name=f"{platform.node()}-{os.getpid()}",
        nthreads=1,
        resources={ENCODE: 1},
        host=host,
        security=security(settings),
        plugins=(Station(equipment),),
        local_directory=str(folder),
        memory_limit=0,  # children encode, within limits of their own
        dashboard=False,
        dashboard_address=f"[{host}]:0" if ":" in host else f"{host}:0",
    )


async def _check(at_service: asyncio.Event) -> None:
    if not at_service.is_set():
        raise Unavailable("the Dask scheduler does not answer")


async def _serve_once(
    worker: Worker, membership: Membership, at_service: asyncio.Event, stopping: "asyncio.Task[bool]"
) -> None:
    """Serve until the scheduler is lost or somebody says stop."""
    serving = asyncio.create_task(_serving(worker, membership, at_service))
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    at_service.clear()
    if not serving.done():
        await _leave(worker)
        serving.cancel()
    [error] = await asyncio.gather(serving, return_exceptions=True)
    if not stopping.done():
        log.warning("the Dask scheduler was lost; waiting for it", reason=str(error and (error.__cause__ or error)))
        await asyncio.wait({stopping}, timeout=PAUSE_SECONDS)


async def _serving(worker: Worker, membership: Membership, at_service: asyncio.Event) -> None:
    await worker
    await membership.entered(worker.batched_stream.comm)
    at_service.set()
    log.info("at the service of a Dask scheduler", scheduler=worker.scheduler.address, worker=worker.address)
    await worker.finished()


async def _leave(worker: Worker) -> None:
    """Go, and let the scheduler know, so that others take over and nobody is blamed."""
    with suppress(OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await worker.close_gracefully()
    with suppress(OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await worker.close()
