"""UploadService, WorkerService and JobService over the wire."""

import asyncio
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import update

from control.database import tables
from protos.v1.auth_pb2 import LogoutRequest
from protos.v1.catalogue_pb2 import TITLE_STATE_DRAFT, GetTitleRequest, ListTitlesRequest
from protos.v1.jobs_pb2 import (
    JOB_STAGE_ENCODE,
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_PUBLISHED,
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    CancelJobRequest,
    GetJobRequest,
    HeartbeatRequest,
    Job,
    JobLease,
    JobState,
    ListJobsRequest,
    PublishAssetRequest,
    ReleaseJobRequest,
    RetryJobRequest,
)
from tests.control_house import ASSET, House, bearer, claims_of, refusal
from tests.patience import until

pytestmark = pytest.mark.anyio


async def job_of(house: House, job_id: str) -> Job:
    return (await house.jobs.GetJob(GetJobRequest(job_id=job_id), metadata=await house.admin())).job


async def heartbeat(house: House, lease: JobLease, progress: float = 0.5) -> bool:
    request = HeartbeatRequest(
        job_id=lease.job_id, fencing_token=lease.fencing_token, stage=JOB_STAGE_ENCODE, progress=progress
    )
    return (await house.workers.Heartbeat(request, metadata=house.service)).cancel_requested


async def release(house: House, lease: JobLease, state: "JobState.ValueType", message: str = "") -> None:
    request = ReleaseJobRequest(job_id=lease.job_id, fencing_token=lease.fencing_token, state=state, message=message)
    await house.workers.ReleaseJob(request, metadata=house.service)


async def cancel(house: House, job_id: str) -> Job:
    return (await house.jobs.CancelJob(CancelJobRequest(job_id=job_id), metadata=await house.admin())).job


async def test_an_upload_becomes_a_draft_and_a_queued_job(house: House) -> None:
    uploaded = await house.upload(name="Nosferatu")
    job = await job_of(house, uploaded.job_id)
    request = GetTitleRequest(title_id=uploaded.title_id)
    title = (await house.catalogue.GetTitle(request, metadata=await house.admin())).title
    assert (title.name, title.state) == ("Nosferatu", TITLE_STATE_DRAFT)
    assert (job.title_name, job.state, job.file_name, job.size_bytes) == (
        "Nosferatu",
        JOB_STATE_QUEUED,
        "film.mkv",
        1000,
    )


async def test_the_same_upload_is_recorded_once(house: House) -> None:
    answers = await asyncio.gather(*(house.upload() for _ in range(5)))
    titles = (await house.catalogue.ListTitles(ListTitlesRequest(), metadata=await house.admin())).titles
    assert len({answer.job_id for answer in answers}) == len(titles) == 1


async def test_a_title_without_a_name_takes_the_name_of_its_file(house: House) -> None:
    uploaded = await house.upload(name="", file_name="Metropolis.mkv")
    assert (await job_of(house, uploaded.job_id)).title_name == "Metropolis.mkv"


BAD_UPLOADS: list[dict[str, Any]] = [
    {"upload_id": "../x"},
    {"upload_id": ""},
    {"account_id": "somebody"},
    {"name": "a\0b"},
    {"name": "x" * 201},
    {"file_name": "a\nb"},
    {"file_name": "x" * 256},
    {"name": "", "file_name": " "},
    {"size_bytes": -1},
    {"sha256": "abc"},
]


async def test_an_upload_that_cannot_be_is_refused(house: House) -> None:
    for fields in BAD_UPLOADS:
        async with refusal("INVALID_ARGUMENT"):
            await house.upload(**fields)


async def test_a_publisher_who_has_signed_out_completes_no_upload(house: House) -> None:
    tokens = await house.sign_in()
    await house.auth.Logout(LogoutRequest(refresh_token=tokens.refresh_token))
    async with refusal("UNAUTHENTICATED", "session has ended"):
        await house.upload(by=bearer(tokens.access_token))


async def test_a_publisher_who_has_become_a_viewer_completes_no_upload(house: House) -> None:
    publisher = await house.person("publisher")
    await house.upload("before", by=publisher)
    async with house.written() as connection:
        await connection.execute(update(tables.accounts).values(role="viewer"))
    async with refusal("PERMISSION_DENIED", "for publishers"):
        await house.upload("after", by=publisher)


async def test_an_upload_is_completed_in_a_session_of_its_own_account(house: House) -> None:
    publisher = await house.person("publisher")
    async with refusal("UNAUTHENTICATED", "session has ended"):
        await house.upload(account_id=claims_of(publisher)["sub"])


async def test_the_oldest_job_is_leased_first(house: House) -> None:
    first, second = await house.upload("u1"), await house.upload("u2")
    assert [(await house.leased()).job_id, (await house.leased()).job_id] == [first.job_id, second.job_id]
    assert await house.lease() is None


async def test_of_two_workers_one_gets_the_job(house: House) -> None:
    await house.upload()
    leases = await asyncio.gather(house.lease("worker-1"), house.lease("worker-2"))
    assert sorted(lease is None for lease in leases) == [False, True]


async def test_a_lease_tells_all_that_the_worker_needs(house: House) -> None:
    uploaded = await house.upload("u", file_name="f.mkv", size_bytes=7, sha256="A" * 64)
    assert await house.leased() == JobLease(
        job_id=uploaded.job_id,
        title_id=uploaded.title_id,
        upload_id="u",
        file_name="f.mkv",
        size_bytes=7,
        sha256="a" * 64,
        fencing_token=1,
        attempts=1,
        lease_seconds=30,
    )


async def test_publishers_see_the_progress_of_a_running_job(house: House) -> None:
    uploaded = await house.upload()
    await heartbeat(house, await house.leased("worker-7"), progress=0.25)
    job = await job_of(house, uploaded.job_id)
    assert (job.state, job.stage, job.progress, job.worker_id) == (
        JOB_STATE_RUNNING,
        JOB_STAGE_ENCODE,
        0.25,
        "worker-7",
    )


async def test_an_expired_lease_goes_to_another_worker_and_fences_the_first_off(house: House) -> None:
    await house.upload()
    stale = await house.leased("worker-1")
    house.clock.turn(30)
    current = await house.leased("worker-2")
    assert current.fencing_token > stale.fencing_token
    for say in (
        heartbeat(house, stale),
        house.publish(stale, "b" * 26),
        release(house, stale, JOB_STATE_FAILED, "no"),
    ):
        async with refusal("FAILED_PRECONDITION", "this lease of the job has ended"):
            await say
    await house.publish(current)


async def test_a_heartbeat_keeps_the_lease(house: House) -> None:
    await house.upload()
    lease = await house.leased()
    house.clock.turn(29)
    await heartbeat(house, lease)
    house.clock.turn(29)
    assert await house.lease("worker-2") is None


async def test_publishing_flips_title_and_job_together(house: House) -> None:
    title_id = await house.film()
    title = (await house.catalogue.GetTitle(GetTitleRequest(title_id=title_id), metadata=await house.admin())).title
    jobs = (await house.jobs.ListJobs(ListJobsRequest(), metadata=await house.admin())).jobs
    assert title.asset_id == ASSET
    assert [(job.state, job.progress, job.worker_id) for job in jobs] == [(JOB_STATE_PUBLISHED, 1.0, "")]


async def test_publishing_again_after_a_lost_answer_is_no_error(house: House) -> None:
    await house.upload()
    lease = await house.leased()
    await house.publish(lease)
    await house.publish(lease)
    async with refusal("FAILED_PRECONDITION"):
        await house.publish(lease, "b" * 26)


BAD_ASSETS: list[dict[str, Any]] = [
    {"asset_id": "../x"},
    {"duration_seconds": float("nan")},
    {"width": -1},
    {"audio_languages": ["english"]},
    {"size_bytes": -1},
]


async def test_an_asset_that_cannot_be_is_not_published(house: House) -> None:
    await house.upload()
    lease = await house.leased()
    for fields in BAD_ASSETS:
        request = PublishAssetRequest(job_id=lease.job_id, fencing_token=1, **{"asset_id": ASSET, **fields})
        async with refusal("INVALID_ARGUMENT"):
            await house.workers.PublishAsset(request, metadata=house.service)
    assert (await job_of(house, lease.job_id)).state == JOB_STATE_RUNNING


async def test_a_job_given_back_waits_and_is_leased_again(house: House) -> None:
    await house.upload()
    await release(house, await house.leased(), JOB_STATE_QUEUED, "the store failed")
    assert await house.lease() is None
    house.clock.turn(2)
    assert (await house.leased()).attempts == 2


async def test_a_job_is_failed_after_its_last_attempt(house: House) -> None:
    uploaded = await house.upload()
    for _ in range(house.settings.worker.attempts):
        await release(house, await house.leased(), JOB_STATE_QUEUED, "ffmpeg crashed")
        house.clock.turn(300)
    job = await job_of(house, uploaded.job_id)
    assert (job.state, job.message, job.attempts) == (JOB_STATE_FAILED, "ffmpeg crashed", 3)
    assert await house.lease() is None


async def test_a_job_that_waits_for_a_store_keeps_its_tries_and_is_found_with_the_reason(house: House) -> None:
    uploaded, _ = await house.upload("u1"), await house.upload("u2")
    for _ in range(house.settings.worker.attempts + 1):
        lease = await house.leased()
        assert lease.job_id == uploaded.job_id
        request = ReleaseJobRequest(
            job_id=lease.job_id, fencing_token=lease.fencing_token, state=JOB_STATE_QUEUED, message="no store",
            blameless=True,
        )  # fmt: skip
        await house.workers.ReleaseJob(request, metadata=house.service)
        [waiting] = (await house.jobs.ListJobs(ListJobsRequest(waiting=True), metadata=await house.admin())).jobs
        assert (waiting.job_id, waiting.state, waiting.message) == (uploaded.job_id, JOB_STATE_QUEUED, "no store")
        assert 2 <= seconds(waiting.due_at) - seconds(waiting.updated_at) <= 300
        assert seconds(waiting.waits_since) <= seconds(waiting.updated_at)
        house.clock.turn(300)
    assert len((await house.jobs.ListJobs(ListJobsRequest(), metadata=await house.admin())).jobs) == 2


def seconds(moment: Timestamp) -> float:
    return moment.ToMicroseconds() / 1e6


async def test_a_failed_job_can_be_tried_again(house: House) -> None:
    uploaded = await house.upload()
    await release(house, await house.leased(), JOB_STATE_FAILED, "the film has no picture")
    answer = await house.jobs.RetryJob(RetryJobRequest(job_id=uploaded.job_id), metadata=await house.admin())
    assert (answer.job.state, answer.job.message) == (JOB_STATE_QUEUED, "")
    assert (await house.leased()).fencing_token == 2


async def test_the_bytes_of_a_refused_film_are_removed_and_it_cannot_be_tried_again(house: House) -> None:
    uploaded, other = await house.upload("u1"), await house.upload("u2")
    removed, kept = ["uploads/u1/info.json", "spans/u1/digest/manifest.json"], ["uploads/u2/info.json"]
    for key in [*removed, *kept]:
        await house.store.put(key, b"bytes")
    lease = await house.leased()
    request = ReleaseJobRequest(
        job_id=lease.job_id, fencing_token=1, state=JOB_STATE_FAILED, message="it has no video", refused=True
    )
    await house.workers.ReleaseJob(request, metadata=house.service)
    await release(house, await house.leased(), JOB_STATE_FAILED, "a frame is missing")
    folder = house.settings.data / "objects"
    await until(lambda: not any((folder / key).exists() for key in removed))
    assert all((folder / key).exists() for key in kept)
    job = await job_of(house, uploaded.job_id)
    assert (job.state, job.message) == (JOB_STATE_FAILED, "it has no video")
    async with refusal("FAILED_PRECONDITION", "its bytes are removed: upload it again"):
        await house.jobs.RetryJob(RetryJobRequest(job_id=uploaded.job_id), metadata=await house.admin())
    await house.jobs.RetryJob(RetryJobRequest(job_id=other.job_id), metadata=await house.admin())


async def test_a_queued_job_is_cancelled_at_once(house: House) -> None:
    uploaded = await house.upload()
    assert (await cancel(house, uploaded.job_id)).state == JOB_STATE_CANCELLED
    assert await house.lease() is None


async def test_a_running_job_is_cancelled_by_way_of_its_worker(house: House) -> None:
    uploaded = await house.upload()
    lease = await house.leased()
    assert not await heartbeat(house, lease)
    asked = await cancel(house, uploaded.job_id)
    assert (asked.state, asked.cancel_requested) == (JOB_STATE_RUNNING, True)
    assert await heartbeat(house, lease)
    await release(house, lease, JOB_STATE_CANCELLED)
    assert (await job_of(house, uploaded.job_id)).state == JOB_STATE_CANCELLED


async def test_a_job_that_shall_stop_is_cancelled_when_its_worker_comes_to_publish(house: House) -> None:
    uploaded = await house.upload()
    lease = await house.leased()
    await house.store.put(f"assets/{ASSET}/index.bin", b"bytes")
    await cancel(house, uploaded.job_id)
    async with refusal("FAILED_PRECONDITION", "the job was cancelled: nothing is published"):
        await house.publish(lease)
    job = await job_of(house, uploaded.job_id)
    assert (job.state, job.cancel_requested, job.worker_id) == (JOB_STATE_CANCELLED, False, "")
    request = GetTitleRequest(title_id=uploaded.title_id)
    title = (await house.catalogue.GetTitle(request, metadata=await house.admin())).title
    assert (title.state, title.asset_id) == (TITLE_STATE_DRAFT, "")

    async def removed() -> bool:
        return not await house.store.list("assets")

    await until(removed)


async def test_a_published_job_cannot_be_cancelled(house: House) -> None:
    await house.film()
    job = (await house.jobs.ListJobs(ListJobsRequest(), metadata=await house.admin())).jobs[0]
    async with refusal("FAILED_PRECONDITION", "the job is published: it cannot be cancelled"):
        await cancel(house, job.job_id)


async def test_a_release_into_another_state_is_refused(house: House) -> None:
    await house.upload()
    async with refusal("INVALID_ARGUMENT"):
        await release(house, await house.leased(), JOB_STATE_PUBLISHED)


async def test_an_unknown_job_is_not_found(house: House) -> None:
    async with refusal("NOT_FOUND"):
        await job_of(house, "0" * 26)


async def test_jobs_are_listed_newest_first_in_pages(house: House) -> None:
    uploads = [await house.upload(f"u{number}") for number in range(3)]
    admin = await house.admin()
    first = await house.jobs.ListJobs(ListJobsRequest(page_size=2), metadata=admin)
    rest = await house.jobs.ListJobs(ListJobsRequest(page_token=first.next_page_token), metadata=admin)
    listed = [job.job_id for job in [*first.jobs, *rest.jobs]]
    assert listed == [upload.job_id for upload in reversed(uploads)]
    assert rest.next_page_token == ""
