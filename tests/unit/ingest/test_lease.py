import asyncio
from pathlib import Path

import pytest

from ingest.lease import Lease, keep
from ingest.stages import LeaseLost, Progress
from matinee.errors import Cancelled, Unavailable
from protos.v1.jobs_pb2 import JobLease, JobStage
from tests.jobs import Desk, client, serving
from tests.patience import within

pytestmark = pytest.mark.anyio

TERMS = JobLease(job_id="j", fencing_token=7, lease_seconds=0.4)


class Clock:
    """Stands still until a test moves it, so that no lease ends because the machine is busy."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_ends_when_nothing_renews_it() -> None:
    clock = Clock()
    lease = Lease(TERMS, clock)
    clock.now += 0.39
    lease.check()
    clock.now += 0.02
    with pytest.raises(LeaseLost, match=r"no heartbeat for 0\.4 s"):
        lease.check()


def test_a_lease_runs_from_when_the_heartbeat_was_sent() -> None:
    clock = Clock()
    lease = Lease(TERMS, clock)
    sent_at = lease.now()
    clock.now += 0.3
    lease.renew(sent_at)
    clock.now += 0.11
    with pytest.raises(LeaseLost):
        lease.check()


def test_several_heartbeats_fit_into_a_lease() -> None:
    assert Lease(TERMS).pause * 3 < TERMS.lease_seconds


async def test_heartbeats_carry_stage_and_progress(tmp_path: Path) -> None:
    desk, progress = Desk(), Progress()
    progress.enter(JobStage.JOB_STAGE_ENCODE)
    progress.reach(0.5)
    async with serving(desk, tmp_path) as channel:
        keeping = asyncio.create_task(keep(Lease(TERMS, Clock()), client(channel), progress))
        async with desk.heard:
            await desk.heard.wait_for(lambda: len(desk.heartbeats) >= 2)
        keeping.cancel()
    assert (desk.heartbeats[0].stage, desk.heartbeats[0].progress) == (JobStage.JOB_STAGE_ENCODE, progress.done)
    assert desk.heartbeats[0].fencing_token == 7


async def test_a_cancelled_job_is_heard_of(tmp_path: Path) -> None:
    desk = Desk()
    desk.cancel_requested = True
    async with serving(desk, tmp_path) as channel:
        with pytest.raises(Cancelled):
            await keep(Lease(TERMS, Clock()), client(channel), Progress())


async def test_a_newer_lease_ends_this_one_at_once(tmp_path: Path) -> None:
    desk = Desk()
    desk.fencing_token = 8
    async with serving(desk, tmp_path) as channel:
        with pytest.raises(LeaseLost, match="newer"):
            await keep(Lease(TERMS, Clock()), client(channel), Progress())
    assert len(desk.heartbeats) == 1


async def test_a_control_that_is_away_for_long_ends_the_lease(tmp_path: Path) -> None:
    desk, clock = Desk(), Clock()
    desk.failure = Unavailable("the database is away")
    async with serving(desk, tmp_path) as channel:
        keeping = asyncio.create_task(keep(Lease(TERMS, clock), client(channel), Progress()))
        async with desk.heard:
            await desk.heard.wait_for(lambda: len(desk.heartbeats) >= 2)
        clock.now += TERMS.lease_seconds
        with pytest.raises(LeaseLost):
            await keeping


async def test_a_control_that_never_answers_ends_the_lease_in_time(tmp_path: Path) -> None:
    desk = Desk()
    desk.silent = True
    async with serving(desk, tmp_path) as channel, within(20 * TERMS.lease_seconds):
        with pytest.raises(LeaseLost):
            await keep(Lease(TERMS), client(channel), Progress())
