"""The lease of a job: the right to work on it, kept by heartbeats.

The lease runs from the moment a heartbeat is sent, not from its answer, so that this side always gives up before
control gives the job to another. Its fencing token makes what comes later than that harmless.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import NoReturn

import structlog

from ingest.jobs import Jobs
from ingest.measures import Measures
from ingest.stages import JobGone, LeaseLost, Progress
from matinee.errors import Cancelled, Conflict, MatineeError, NotFound
from protos.v1.jobs_pb2 import HeartbeatRequest, JobLease

LONGEST_PAUSE = 1.0
"""Seconds between heartbeats at most: how late progress and cancellation may be."""

log = structlog.get_logger()


class Lease:
    """The terms that control gave, and how long they still hold. `clock` counts seconds."""

    def __init__(self, terms: JobLease, clock: Callable[[], float] = monotonic) -> None:
        self.terms = terms
        self._clock = clock
        self._renewed_at = clock()

    @property
    def pause(self) -> float:
        """Seconds between heartbeats: several fit into a lease."""
        return min(self.terms.lease_seconds / 4, LONGEST_PAUSE)

    def now(self) -> float:
        """The time at which a heartbeat is sent, for `renew`."""
        return self._clock()

    def renew(self, sent_at: float) -> None:
        """Note that control took a heartbeat that was sent at `sent_at`."""
        self._renewed_at = sent_at

    @property
    def remaining(self) -> float:
        """Seconds until the lease ends, unless it is renewed."""
        return self._renewed_at + self.terms.lease_seconds - self._clock()

    def check(self) -> None:
        """Ask before every step that others can see. Raises `LeaseLost` when the job may be another's by now."""
        if self.remaining <= 0:
            raise LeaseLost(f"control took no heartbeat for {self.terms.lease_seconds:g} s")


async def keep(lease: Lease, jobs: Jobs, progress: Progress, measures: Measures | None = None) -> NoReturn:
    """Send heartbeats for ever. Raises `LeaseLost`, `JobGone` or `Cancelled` when the work must end."""
    measures = measures or Measures()
    while True:
        await asyncio.sleep(min(lease.pause, lease.remaining))
        lease.check()
        sent_at = lease.now()
        try:
            cancelled = await jobs.heartbeat(_heartbeat(lease.terms, progress), lease.remaining)
        except NotFound as error:
            raise JobGone(str(error)) from error
        except Conflict as error:
            raise LeaseLost(str(error)) from error
        except MatineeError as error:
            measures.heartbeat_failures.inc()
            log.warning("heartbeat failed", job_id=lease.terms.job_id, error=str(error))
            continue
        lease.renew(sent_at)
        if cancelled:
            raise Cancelled("cancelled on request")


def _heartbeat(terms: JobLease, progress: Progress) -> HeartbeatRequest:
    return HeartbeatRequest(
        job_id=terms.job_id, fencing_token=terms.fencing_token, stage=progress.stage, progress=progress.done
    )
