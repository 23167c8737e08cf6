"""The worker: takes one job after another until it is told to stop.

What killed workers left is put in order first: publications are concluded, and of those on this machine leases are
given back at once instead of after `lease_seconds`, and scratch folders removed. While there is nothing to do,
publications whose answer was lost are concluded too. While the object store is away or the disk full no job is taken.
"""

import asyncio
import os
import platform
from collections.abc import Iterable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NoReturn

import structlog

from ingest import scratch
from ingest.attempt import LEASE_FILE, RELEASE_SECONDS, Attempt
from ingest.isolation import is_offline
from ingest.jobs import Jobs
from ingest.measures import Measures
from ingest.production import Workshop
from ingest.publication import conclude_all
from ingest.watch import watched
from matinee.errors import MatineeError, PermissionDenied, Unavailable
from matinee.executor import places
from matinee.handshake import explained, greet
from matinee.rpc.channel import Channel, is_serving
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry.instruments import Instruments
from matinee.telemetry.readiness import Readiness
from protos.v1.jobs_pb2 import JobLease, JobState, ReleaseJobRequest

CONCLUDE_SECONDS = 60.0
"""How often an idle worker looks for publications that were not concluded."""

log = structlog.get_logger()


class Stopped(Exception):
    """The worker was told to stop."""


async def work(  # noqa: PLR0917  (the composition root gives everything once)
    settings: Settings,
    store: ObjectStore,
    channel: Channel,
    executor: Executor,
    cluster: Executor | None,
    service_token: str,
    stop: asyncio.Event,
    *,
    instruments: Instruments | None = None,
) -> None:
    """Lease jobs from control and take each through its stages, until `stop` is set; then end within 5 seconds.

    A job that is under way is given back to the queue; what it has encoded stays in the store. Raises
    `PermissionDenied` when control does not know the secret.
    """
    instruments = instruments or Instruments("worker")
    measures = Measures(instruments.registry)
    measures.places.set(places(settings.worker.executor))
    jobs = Jobs(channel, service_token, settings.control.deadline_seconds)
    reach = explained(partial(_reach, channel), settings)
    instruments.readiness.depend("control", reach)
    instruments.readiness.depend("store", partial(store.probe, "worker"))
    with suppress(Stopped), scratch.claim(settings.scratch_directory) as folder:
        await greet(reach)
        workshop = Workshop(settings, store, jobs, executor, cluster, folder, measures)
        instruments.readiness.depend("scratch", workshop.check_room)
        instruments.readiness.serve()
        await watched(_serve(workshop), _stopped(stop, instruments.readiness))


async def _reach(channel: Channel) -> None:
    if not await is_serving(channel):
        raise Unavailable("control does not serve")


async def _stopped(stop: asyncio.Event, readiness: Readiness) -> NoReturn:
    await stop.wait()
    readiness.stop()
    raise Stopped


async def _serve(workshop: Workshop) -> NoReturn:
    worker_id = f"{platform.node()}-{os.getpid()}"
    log.info("worker started", worker_id=worker_id)
    if not await asyncio.to_thread(is_offline):
        log.warning("ffmpeg is not kept from the network: this system does not allow it")
    await _put_in_order(workshop)
    concluded_at = monotonic()
    while True:
        terms = await _next_job(workshop.jobs, worker_id)
        if terms:
            await Attempt(workshop, terms).run()
            await _wait_for_means(workshop)
            continue
        if monotonic() - concluded_at > CONCLUDE_SECONDS:
            await _conclude(workshop)
            concluded_at = monotonic()
        await asyncio.sleep(workshop.settings.worker.poll_seconds)


async def _next_job(jobs: Jobs, worker_id: str) -> JobLease | None:
    try:
        return await jobs.lease(worker_id)
    except PermissionDenied:  # it would be so for ever
        raise
    except MatineeError as error:
        log.warning("control gives no job", error=str(error))
        return None


async def _wait_for_means(workshop: Workshop) -> None:
    """While the object store is away or the disk full every job would fail, one after the other: so none is taken."""
    said = ""
    while lack := await workshop.lack():
        if lack != said:
            log.warning("no job is taken for now", reason=lack)
            said = lack
        await asyncio.sleep(workshop.settings.worker.poll_seconds)


async def _put_in_order(workshop: Workshop) -> None:
    """Conclude, give back and remove what killed workers left; what control cannot hear now is left to time."""
    with scratch.orphans(workshop.settings.scratch_directory) as dead:
        await _conclude(workshop)
        for terms in _leases(dead):
            await _give_back(workshop.jobs, terms)


async def _conclude(workshop: Workshop) -> None:
    try:
        await conclude_all(workshop.store, workshop.jobs)
    except Unavailable as error:
        log.warning("publications are not concluded", error=str(error))


def _leases(folders: Iterable[Path]) -> list[JobLease]:
    """The leases that are noted in scratch folders."""
    leases: list[JobLease] = []
    for folder in folders:
        with suppress(FileNotFoundError):  # another worker that starts now has given it back, and removes it
            leases += [JobLease.FromString(note.read_bytes()) for note in folder.glob(f"*/{LEASE_FILE}")]
    return leases


async def _give_back(jobs: Jobs, terms: JobLease) -> None:
    request = ReleaseJobRequest(
        job_id=terms.job_id,
        fencing_token=terms.fencing_token,
        state=JobState.JOB_STATE_QUEUED,
        message="its worker was killed",
    )
    try:
        await jobs.release(request, RELEASE_SECONDS)
        log.info("lease of a killed worker given back", job_id=terms.job_id)
    except MatineeError as error:
        log.info("lease of a killed worker has ended", job_id=terms.job_id, reason=str(error))
