"""A worker that dies leaves a job that another one finishes, with the same bytes.

No work is done twice but that on the piece in flight: the one that was not stored yet.
"""

import hashlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from control.housekeeping import ABANDONED_SECONDS
from protos.v1.jobs_pb2 import Job, JobStage, JobState
from tests.films import film, padded
from tests.patience import until
from tests.studio import Studio, dismiss, opened

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]

SPANS = 6
PIECES = SPANS + 2
"""The spans, the sound, and the signature of the source."""
IN_FLIGHT = 1
"""With one thread, one piece is encoded and not stored yet."""
SECTIONS = {
    "worker": {"executor": "threads://1", "lease_seconds": 6, "poll_seconds": 0.1},
    "ladder": {"segment_gops": 1, "span_segments": 1, "preset": "slow"},
}

Moment = Callable[[Studio], Awaitable[bool]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twelve seconds that make six spans."""
    return film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=2 * SPANS).read_bytes()


@pytest.fixture(scope="module")
def slow_to_fetch(source: bytes) -> bytes:
    """The same film, in more bytes."""
    return padded(source)


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    async with opened(tmp_path / "data", **SECTIONS) as studio:
        yield studio


@pytest.fixture(scope="module")
async def undisturbed(source: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a worker makes of the film when nothing happens: file names and SHA-256."""
    async with opened(tmp_path_factory.mktemp("undisturbed") / "data", **SECTIONS) as studio:
        job = await studio.upload(source)
        await studio.hire()
        await published(studio, job)
        return await asset(studio)


async def published(studio: Studio, job: Job) -> None:
    """Wait until the job is published and all is tidied."""

    async def done() -> bool:
        state = (await studio.job(job.job_id)).state
        assert state != JobState.JOB_STATE_FAILED, await studio.job(job.job_id)
        rest = [await studio.keys(prefix) for prefix in ("uploads", "spans", "publications")]
        return state == JobState.JOB_STATE_PUBLISHED and not any(rest)

    await until(done)


async def asset(studio: Studio) -> dict[str, str]:
    """The names and SHA-256 of the published objects, which are the only ones in the store."""
    keys = await studio.keys("")
    prefix = next(key for key in keys if key.endswith("/index.bin")).removesuffix("index.bin")
    assert all(key.startswith(prefix) for key in keys)
    return {key.removeprefix(prefix): hashlib.sha256(await studio.store.get(key)).hexdigest() for key in keys}


def folders(studio: Studio) -> set[str]:
    """The folders of the store, but that with which services probe it."""
    return {folder.name for folder in (studio.settings.data / "objects").iterdir()} - {"health"}


def stages(studio: Studio) -> list["JobStage.ValueType"]:
    """The stages that workers have entered, in order."""
    return [JobStage.Value(said["stage"]) for said in studio.log("stage")]


async def fetching(studio: Studio) -> bool:
    """When the first bytes of the film have come."""
    return any(studio.settings.scratch_directory.glob("*/*/film"))


async def probing(studio: Studio) -> bool:
    """When a child reads the film, to learn what it is."""
    return any("ingest.probing" in command for command in studio.children())


def results(count: int) -> Moment:
    """When so many results are whole."""

    async def reached(studio: Studio) -> bool:
        return len(await finished(studio)) >= count

    return reached


async def finished(studio: Studio) -> set[str]:
    """The digests of all results that are whole."""
    return {key.split("/")[2] for key in await studio.keys("spans") if key.endswith("/manifest.json")}


async def assembling(studio: Studio) -> bool:
    """When the first track is being written."""
    return any(studio.settings.scratch_directory.glob("*/*/asset/*.mp4"))


async def validating(studio: Studio) -> bool:
    """When faults are looked for."""
    return JobStage.JOB_STAGE_VALIDATE in stages(studio)


async def uploading(studio: Studio) -> bool:
    """When the first object of the asset is in the store."""
    return bool(await studio.keys("assets"))


async def recorded(studio: Studio) -> bool:
    """When the publication is recorded."""
    return bool(await studio.keys("publications"))


@pytest.mark.parametrize(
    ("moment", "stage"),
    [
        pytest.param(probing, JobStage.JOB_STAGE_PROBE, id="probing"),
        pytest.param(results(1), JobStage.JOB_STAGE_ENCODE, id="first span"),
        pytest.param(results(4), JobStage.JOB_STAGE_ENCODE, id="fourth span"),
        pytest.param(assembling, JobStage.JOB_STAGE_ASSEMBLE, id="assembling"),
        pytest.param(validating, JobStage.JOB_STAGE_VALIDATE, id="validating"),
        pytest.param(uploading, JobStage.JOB_STAGE_PUBLISH, id="uploading"),
        pytest.param(recorded, JobStage.JOB_STAGE_PUBLISH, id="recorded"),
    ],
)
async def test_the_job_finishes_after_a_kill_with_the_same_bytes(
    studio: Studio, source: bytes, undisturbed: dict[str, str], moment: Moment, stage: "JobStage.ValueType"
) -> None:
    await finishes_after_a_kill(studio, source, undisturbed, moment, stage)


async def test_the_job_finishes_after_a_kill_while_its_film_was_fetched(
    studio: Studio, slow_to_fetch: bytes, undisturbed: dict[str, str]
) -> None:
    await finishes_after_a_kill(studio, slow_to_fetch, undisturbed, fetching, JobStage.JOB_STAGE_FETCH)


async def finishes_after_a_kill(
    studio: Studio, film: bytes, undisturbed: dict[str, str], moment: Moment, stage: "JobStage.ValueType"
) -> None:
    """Kill a worker at a moment of a stage, and see what the next one makes of its job."""
    job = await studio.upload(film)
    victim = await studio.hire()
    await until(lambda: moment(studio))
    await dismiss(victim, signal.SIGKILL)
    assert stages(studio)[-1] == stage
    kept = await finished(studio)
    await until(lambda: alone(studio))

    await studio.hire()
    await published(studio, job)

    assert await asset(studio) == undisturbed
    await until(lambda: folders(studio) == {"assets"})  # an object's folder goes a moment after it
    begun = Counter(said["digest"] for said in studio.log("encoding"))
    again = {digest: times for digest, times in begun.items() if times > 1}
    assert len(begun) == PIECES
    assert kept.isdisjoint(again)
    assert len(again) <= IN_FLIGHT
    assert set(again.values()) <= {2}


async def test_an_asset_goes_whose_worker_was_killed_and_whose_title_was_deleted(studio: Studio, source: bytes) -> None:
    job = await studio.upload(source)
    victim = await studio.hire()
    await until(lambda: uploading(studio))
    await dismiss(victim, signal.SIGKILL)
    await studio.delete(job.title_id)
    await studio.close_control()

    studio.clock.turn(ABANDONED_SECONDS + 1)
    await studio.open()
    await until(lambda: without_assets(studio))


async def without_assets(studio: Studio) -> bool:
    """Whether nothing is left of any asset."""
    return not await studio.keys("assets")


async def alone(studio: Studio) -> bool:
    """Whether no child works for the studio any more."""
    return not studio.children()


async def test_a_worker_that_slept_past_its_lease_publishes_nothing(
    studio: Studio, source: bytes, undisturbed: dict[str, str]
) -> None:
    job = await studio.upload(source)
    sleeper = await studio.hire()
    await until(lambda: results(2)(studio))
    sleeper.send_signal(signal.SIGSTOP)
    await studio.hire()
    await published(studio, job)
    before = await asset(studio)

    sleeper.send_signal(signal.SIGCONT)
    await until(lambda: said(studio, "attempt ended"))
    assert await asset(studio) == before == undisturbed
    assert len(studio.log("job published")) == 1


async def said(studio: Studio, event: str) -> bool:
    return bool(studio.log(event))
