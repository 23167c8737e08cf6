"""A real worker under a real control: what becomes of a job that is refused, cancelled, retried or interrupted."""

import hashlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from protos.v1.jobs_pb2 import Job, JobStage, JobState
from tests.control_house import refusal
from tests.films import film
from tests.patience import Stopwatch, until
from tests.studio import Studio, dismiss, opened

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]

SECTIONS = {
    "worker": {"executor": "threads://1", "lease_seconds": 4, "poll_seconds": 0.1},
    "ladder": {"segment_gops": 1, "span_segments": 1, "preset": "slower"},
}
STOP_SECONDS = 5

Moment = Callable[[Studio], Awaitable[bool]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twelve seconds that make six slow spans."""
    return film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=12).read_bytes()


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened(tmp_path / "data", **SECTIONS) as studio:
        yield studio


async def in_state(studio: Studio, job: Job, state: JobState.ValueType) -> Job:
    """The job, once it is in this state."""

    async def reached() -> bool:
        return (await studio.job(job.job_id)).state == state

    await until(reached)
    return await studio.job(job.job_id)


async def encoding(studio: Studio) -> bool:
    """Whether some spans are done, and others are not."""
    return len(studio.log("encoded")) >= 2


async def idle(studio: Studio) -> bool:
    """Whether no ffmpeg runs and scratch is empty."""
    return not studio.children() and not any(studio.settings.scratch_directory.glob("*/*"))


async def test_a_film_goes_through_all_stages_and_is_published(studio: Studio, source: bytes) -> None:
    job = await studio.upload(source, sha256=hashlib.sha256(source).hexdigest())
    await studio.hire()
    seen: list[Job] = []

    async def published() -> bool:
        seen.append(await studio.job(job.job_id))
        return seen[-1].state == JobState.JOB_STATE_PUBLISHED

    await until(published)
    progress = [job.progress for job in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 1
    assert any(0.05 < part < 0.9 for part in progress)
    assert [said["stage"] for said in studio.log("stage")] == list(JobStage.keys())[1:]


@pytest.mark.parametrize(
    ("film", "declared", "reason"),
    [
        (b"", {}, "the file is empty"),
        (b"not a film, but some text " * 100, {}, "none of MP4 or MOV"),
        (b"not what was sent", {"sha256": "0" * 64}, "SHA-256 differs"),
        (b"too short", {"size": 10}, "10 bytes were declared and 9 arrived"),
    ],
    ids=["empty", "text", "other digest", "other size"],
)
async def test_what_is_not_a_film_is_refused_at_once(
    studio: Studio, film: bytes, declared: dict[str, str | int], reason: str
) -> None:
    job = await studio.upload(film, **declared)  # type: ignore[arg-type]
    await studio.hire()
    failed = await in_state(studio, job, JobState.JOB_STATE_FAILED)
    assert reason in failed.message
    assert failed.attempts == 1
    await until(lambda: without_bytes(studio))


async def without_bytes(studio: Studio) -> bool:
    return not await studio.keys("uploads")


async def test_a_cancelled_job_stops_and_can_be_tried_again(studio: Studio, source: bytes) -> None:
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: encoding(studio))
    await studio.cancel(job.job_id)
    await in_state(studio, job, JobState.JOB_STATE_CANCELLED)
    await until(lambda: idle(studio))
    done = {said["digest"] for said in studio.log("encoded")}

    await studio.retry(job.job_id)
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    encodings = Counter(said["digest"] for said in studio.log("encoding"))
    assert all(encodings[digest] == 1 for digest in done)


def entered(stage: str) -> Moment:
    """When a stage has begun."""

    async def reached(studio: Studio) -> bool:
        return stage in [said["stage"] for said in studio.log("stage")]

    return reached


AT_EACH_STAGE = pytest.mark.parametrize(
    "moment",
    [entered("JOB_STAGE_PROBE"), encoding, entered("JOB_STAGE_ASSEMBLE"), entered("JOB_STAGE_VALIDATE")],
    ids=["probing", "encoding", "assembling", "validating"],
)


@AT_EACH_STAGE
async def test_a_job_that_is_cancelled_at_any_stage_is_not_published(
    studio: Studio, source: bytes, moment: Moment
) -> None:
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: moment(studio))
    async with refusal("FAILED_PRECONDITION", "it cannot be retried"):
        await studio.retry(job.job_id)
    await studio.cancel(job.job_id)
    await in_state(studio, job, JobState.JOB_STATE_CANCELLED)
    await until(lambda: idle(studio))
    assert not await studio.keys("publications")


@AT_EACH_STAGE
async def test_a_worker_that_is_told_to_stop_gives_its_job_back(studio: Studio, source: bytes, moment: Moment) -> None:
    job = await studio.upload(source)
    worker = await studio.hire()
    await until(lambda: moment(studio))
    watch = Stopwatch(worker.pid)
    worker.send_signal(signal.SIGTERM)
    await until(lambda: watch.seconds() >= STOP_SECONDS or worker.returncode is not None)
    assert watch.seconds() < STOP_SECONDS
    assert worker.returncode == 0
    assert await idle(studio)
    assert (await studio.job(job.job_id)).state == JobState.JOB_STATE_QUEUED
    [said] = studio.log("stopping: job given back")
    assert (said["job_id"], said["level"]) == (job.job_id, "info")
    assert studio.log("attempt ended") == []

    await studio.hire()
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)


async def test_an_idle_worker_stops_at_once(studio: Studio) -> None:
    worker = await studio.hire()
    await until(lambda: started(studio))
    await dismiss(worker, signal.SIGTERM)
    assert worker.returncode == 0


async def started(studio: Studio) -> bool:
    return bool(studio.log("worker started"))


async def test_a_worker_without_control_stops_when_its_lease_ends_and_goes_on_later(
    studio: Studio, source: bytes
) -> None:
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: encoding(studio))
    await studio.close_control()
    await until(lambda: ended(studio))
    await until(lambda: idle(studio))
    done = {said["digest"] for said in studio.log("encoded")}

    await studio.open()
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    encodings = Counter(said["digest"] for said in studio.log("encoding"))
    assert all(encodings[digest] == 1 for digest in done)


async def ended(studio: Studio) -> bool:
    """Whether an attempt has ended without an asset."""
    return bool(studio.log("attempt ended"))


@AT_EACH_STAGE
async def test_a_job_whose_title_is_deleted_leaves_nothing(studio: Studio, source: bytes, moment: Moment) -> None:
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: moment(studio))
    await studio.delete(job.title_id)
    await until(lambda: gone(studio))


async def test_a_cancelled_job_whose_title_is_deleted_leaves_nothing(studio: Studio, source: bytes) -> None:
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: encoding(studio))
    await studio.cancel(job.job_id)
    await in_state(studio, job, JobState.JOB_STATE_CANCELLED)
    await studio.delete(job.title_id)
    await until(lambda: gone(studio))


async def gone(studio: Studio) -> bool:
    """Whether the store is empty and nothing works."""
    return not await studio.keys("") and await idle(studio)
