"""What killed workers leave of assets that are never published is removed, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from control.accounts.keyring import Keyring
from control.database import removals
from control.database.engine import open_database
from control.housekeeping import ABANDONED_SECONDS, Housekeeping
from matinee.errors import Unavailable
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.jobs_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_QUEUED,
    BeginAssetRequest,
    CancelJobRequest,
    GetJobRequest,
    Job,
    JobLease,
    JobState,
    ReleaseJobRequest,
    RetryJobRequest,
)
from tests.control_house import ASSET, House, refusal

pytestmark = pytest.mark.anyio

TRACK = f"assets/{ASSET}/v1080.mp4"
MONTH = 30 * 86_400.0

Deed = Callable[[House, JobLease], Awaitable[None]]


@pytest.fixture
async def housekeeping(house: House) -> AsyncIterator[Housekeeping]:
    """One that makes a round when it is told to."""
    database = await open_database(house.settings.database_url)
    keyring = Keyring(database, house.clock, token_seconds=MONTH, key_seconds=MONTH)
    await keyring.open()
    yield Housekeeping(database, house.store, keyring, house.clock, event_seconds=MONTH, audit_seconds=MONTH)
    await database.close()


async def begin(house: House, lease: JobLease, asset_id: str = ASSET) -> None:
    request = BeginAssetRequest(job_id=lease.job_id, fencing_token=lease.fencing_token, asset_id=asset_id)
    await house.workers.BeginAsset(request, metadata=house.service)


async def begun(house: House) -> JobLease:
    """The lease of a worker that has written the first track of an asset."""
    await house.upload()
    lease = await house.leased()
    await begin(house, lease)
    await house.store.put(TRACK, b"bytes")
    return lease


async def a_day_later(house: House, housekeeping: Housekeeping) -> list[str]:
    """The keys that are left of all assets."""
    house.clock.turn(ABANDONED_SECONDS + 1)
    await housekeeping.make_round()
    return [found.key for found in await house.store.list("assets")]


async def release(house: House, lease: JobLease, state: "JobState.ValueType") -> None:
    request = ReleaseJobRequest(job_id=lease.job_id, fencing_token=lease.fencing_token, state=state)
    await house.workers.ReleaseJob(request, metadata=house.service)


async def cancel(house: House, lease: JobLease) -> None:
    house.clock.turn(lease.lease_seconds + 1)  # its worker is dead
    await house.jobs.CancelJob(CancelJobRequest(job_id=lease.job_id), metadata=await house.admin())


async def fail(house: House, lease: JobLease) -> None:
    await release(house, lease, JOB_STATE_FAILED)


async def delete(house: House, lease: JobLease) -> None:
    await house.catalogue.DeleteTitle(DeleteTitleRequest(title_id=lease.title_id), metadata=await house.admin())


async def publish_another(house: House, lease: JobLease) -> None:
    await house.publish(lease, "b" * 26)


@pytest.mark.parametrize("end", [cancel, fail, delete, publish_another])
async def test_an_asset_goes_when_its_job_has_ended_without_it(
    house: House, housekeeping: Housekeeping, end: Deed
) -> None:
    await end(house, await begun(house))
    assert await a_day_later(house, housekeeping) == []


async def test_an_asset_may_still_be_written_by_a_worker_that_has_not_heard_of_the_end(
    house: House, housekeeping: Housekeeping
) -> None:
    await delete(house, await begun(house))
    await housekeeping.make_round()
    assert [found.key for found in await house.store.list("assets")] == [TRACK]


async def test_what_another_control_has_removed_meanwhile_may_have_been_written_anew(
    house: House, housekeeping: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.store.put(TRACK, b"bytes")
    async with house.database() as database, database.write() as connection:
        await removals.note(connection, ["assets/other"], house.clock() - 1)
        await removals.note(connection, [f"assets/{ASSET}"], house.clock())
    remove = house.store.delete_prefix

    async def slowly(prefix: str) -> None:
        """Meanwhile the other one has done the rest, and a worker has begun again."""
        await remove(prefix)
        async with house.database() as database, database.write() as connection:
            await removals.done(connection, f"assets/{ASSET}")

    monkeypatch.setattr(house.store, "delete_prefix", slowly)
    await housekeeping.make_round()
    assert [found.key for found in await house.store.list("assets")] == [TRACK]


async def test_a_job_that_shall_stop_is_cancelled_when_the_lease_of_its_dead_worker_has_ended(
    house: House, housekeeping: Housekeeping
) -> None:
    lease = await begun(house)
    await house.jobs.CancelJob(CancelJobRequest(job_id=lease.job_id), metadata=await house.admin())
    await housekeeping.make_round()
    assert (await job_of(house, lease)).cancel_requested
    house.clock.turn(lease.lease_seconds + 1)
    await housekeeping.make_round()
    assert (await job_of(house, lease)).state == JOB_STATE_CANCELLED


async def job_of(house: House, lease: JobLease) -> Job:
    return (await house.jobs.GetJob(GetJobRequest(job_id=lease.job_id), metadata=await house.admin())).job


async def held(house: House, lease: JobLease) -> None:
    """The worker goes on."""


async def give_back(house: House, lease: JobLease) -> None:
    await release(house, lease, JOB_STATE_QUEUED)


async def retry(house: House, lease: JobLease) -> None:
    await release(house, lease, JOB_STATE_FAILED)
    await house.jobs.RetryJob(RetryJobRequest(job_id=lease.job_id), metadata=await house.admin())


async def publish(house: House, lease: JobLease) -> None:
    await house.publish(lease)


@pytest.mark.parametrize("course", [held, give_back, retry, publish])
async def test_an_asset_stays_while_its_job_may_finish_it_and_for_ever_when_it_has(
    house: House, housekeeping: Housekeeping, course: Deed
) -> None:
    await course(house, await begun(house))
    assert await a_day_later(house, housekeeping) == [TRACK]


async def test_an_asset_is_not_begun_while_it_is_being_removed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def remove(_: str) -> None:
        raise Unavailable("the store is away")

    monkeypatch.setattr(house.store, "delete_prefix", remove)  # the house itself removes what is noted, when it starts
    await house.upload()
    async with house.written() as connection:
        await removals.note(connection, [f"assets/{ASSET}"], house.clock())
    async with refusal("UNAVAILABLE", "is being removed; try again"):
        await begin(house, await house.leased())


async def test_an_asset_is_begun_by_the_worker_that_holds_the_job(house: House) -> None:
    lease = await begun(house)
    await release(house, lease, JOB_STATE_FAILED)
    async with refusal("FAILED_PRECONDITION", "this lease of the job has ended"):
        await begin(house, lease)
    await delete(house, lease)
    async with refusal("NOT_FOUND", "its title was deleted"):
        await begin(house, lease)


async def test_an_asset_has_the_id_of_an_asset(house: House) -> None:
    await house.upload()
    async with refusal("INVALID_ARGUMENT", "asset_id is not the id of an asset"):
        await begin(house, await house.leased(), "../uploads")
