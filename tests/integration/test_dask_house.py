"""A film that a Dask cluster encodes: what is published, and what is left, when its workers and its scheduler die."""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from protos.v1.jobs_pb2 import Job, JobState
from tests.buckets import as_environment, new_bucket
from tests.films import film, padded
from tests.patience import PATIENCE, until
from tests.services.dask import DaskCluster, dask_cluster
from tests.services.faults import Faults, faulty
from tests.services.s3 import S3
from tests.studio import Studio, dismiss, opened

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(300)]

AWAY_SECONDS = float(os.environ.get("MATINEE_TEST_AWAY_SECONDS", "3"))
"""For how long a service is away at least."""
SPANS = 6
PIECES = SPANS + 2
"""The spans, the sound, and the signature of the source."""
LADDER = {"segment_gops": 1, "span_segments": 1, "preset": "slower"}
WORKER = {"lease_seconds": 20, "poll_seconds": 0.1}


def sections(executor: str, **worker: Any) -> dict[str, dict[str, Any]]:
    return {"worker": {**WORKER, "executor": executor, **worker}, "ladder": LADDER}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twelve seconds that make six slow spans."""
    return film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=2 * SPANS, size=(640, 360)).read_bytes()


@pytest.fixture(scope="module")
async def of_threads(source: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What threads make of the film: file names and SHA-256."""
    async with opened(tmp_path_factory.mktemp("threads") / "data", **sections("threads://2")) as studio:
        job = await studio.upload(source)
        await studio.hire()
        await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
        return await asset(studio)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler; its workers know nothing but it and the store."""
    store = (tmp_path / "data" / "objects").as_uri()
    with dask_cluster(tmp_path / "dask", MATINEE_STORE__URL=store) as cluster:
        yield cluster


@pytest.fixture
async def studio(tmp_path: Path, dask: DaskCluster) -> AsyncIterator[Studio]:
    async with opened(tmp_path / "data", **sections(dask.url)) as studio:
        yield studio


@pytest.fixture
def seaweedfs(s3_server: Callable[[str], S3]) -> S3:
    return s3_server("seaweedfs")


@asynccontextmanager
async def on_a_bucket(folder: Path, server: S3, **more: dict[str, Any]) -> AsyncIterator[Studio]:
    """A studio and two workers of a cluster, which share nothing but a scheduler and a bucket."""
    bucket = await asyncio.to_thread(new_bucket, server)
    with dask_cluster(folder / "dask", **as_environment(bucket)) as dask:
        dask.hire(2)
        store = {"url": bucket.url, **server.settings}
        async with opened(folder / "data", **sections(dask.url), store=store, **more) as studio:
            yield studio


async def in_state(studio: Studio, job: Job, state: JobState.ValueType) -> Job:
    """The job, once it is in this state."""

    async def reached() -> bool:
        found = await studio.job(job.job_id)
        assert found.state in {state, JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_RUNNING}, found
        return found.state == state

    await until(reached, seconds=150)
    return await studio.job(job.job_id)


async def lack(studio: Studio, job: Job) -> str:
    """What a job waits for that is no fault of its own, once it does."""

    async def waits() -> bool:
        return (await studio.job(job.job_id)).HasField("waits_since")

    await until(waits, seconds=120)
    return (await studio.job(job.job_id)).message


async def asset(studio: Studio) -> dict[str, str]:
    """The names and SHA-256 of the published objects, which are the only ones in the store once all is tidied."""

    async def tidied() -> bool:
        return not any([await studio.keys(prefix) for prefix in ("uploads", "spans", "publications")])

    await until(tidied)
    keys = await studio.keys("assets")
    return {key.split("/")[-1]: hashlib.sha256(await studio.store.get(key)).hexdigest() for key in keys}


def encoders(dask: DaskCluster) -> list[str]:
    """The command lines of the ffmpeg processes that encode pictures for the cluster's workers."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if str(dask.folder) in command and "libx264" in command:
            found.append(command)
    return found


def busy(dask: DaskCluster) -> set[int]:
    """The numbers of the workers that have an ffmpeg which encodes."""
    return {int(number) for command in encoders(dask) for number in re.findall(r"/dask-worker-(\d+)/", command)}


async def one_at_work(dask: DaskCluster) -> int:
    """The number of a worker that encodes, once one does."""
    seen: list[set[int]] = []

    def look() -> bool:
        seen.append(busy(dask))
        return bool(seen[-1])

    await until(look)
    return min(seen[-1])


async def finished(studio: Studio) -> set[str]:
    """The digests of all results that are whole."""
    return {key.split("/")[2] for key in await studio.keys("spans") if key.endswith("/manifest.json")}


async def some_are_done(studio: Studio) -> bool:
    return len(await finished(studio)) >= 2


def films(dask: DaskCluster) -> list[Path]:
    """The copies of films that workers have."""
    return list(dask.folder.glob("*/scratch/cluster/films/*/film"))


async def test_a_film_is_published_with_the_same_bytes_when_one_of_three_workers_is_killed(
    studio: Studio, dask: DaskCluster, source: bytes, of_threads: dict[str, str]
) -> None:
    workers = dask.hire(3)
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: some_are_done(studio), seconds=120)
    victim = await one_at_work(dask)
    workers[victim].kill()
    await until(lambda: victim not in busy(dask), seconds=2)
    kept = await finished(studio)

    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)

    assert await asset(studio) == of_threads
    assert studio.log("attempt ended") == []
    begun = [told["digest"] for told in dask.said("encoding")]
    assert len(set(begun)) == PIECES
    assert len(begun) <= PIECES + 1  # that of the victim was done again
    assert all(begun.count(digest) == 1 for digest in kept)
    assert encoders(dask) == []


async def test_a_film_is_published_whose_first_worker_was_killed_while_it_fetched_it(
    studio: Studio, dask: DaskCluster, source: bytes, of_threads: dict[str, str]
) -> None:
    [victim] = dask.hire()
    job = await studio.upload(padded(source))
    await studio.hire()
    await until(lambda: any(dask.folder.glob("*/scratch/cluster/films/*/part")), seconds=120)
    victim.kill()
    assert films(dask) == []
    dask.hire()
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    assert await asset(studio) == of_threads
    assert studio.log("attempt ended") == []


async def test_progress_flows_back_from_the_cluster(studio: Studio, dask: DaskCluster, tmp_path: Path) -> None:
    dask.hire()
    large = film(tmp_path / "film.mp4", seconds=6, size=(1280, 720), audio=())
    job = await studio.upload(large.read_bytes())
    await studio.hire()
    seen: list[float] = []

    async def published() -> bool:
        found = await studio.job(job.job_id)
        seen.append(found.progress)
        return found.state == JobState.JOB_STATE_PUBLISHED

    await until(published, seconds=150)
    assert seen == sorted(seen)
    assert len({part for part in seen if 0.05 < part < 0.9}) > 3  # more often than when one of three pieces is done


async def test_a_cancelled_job_stops_the_cluster_and_leaves_it_ready(
    studio: Studio, dask: DaskCluster, source: bytes, of_threads: dict[str, str]
) -> None:
    dask.hire(2)
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: encoders(dask))
    await studio.cancel(job.job_id)
    await in_state_cancelled(studio, job)
    await until(lambda: not encoders(dask), seconds=2)
    await studio.retry(job.job_id)
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    assert await asset(studio) == of_threads


async def in_state_cancelled(studio: Studio, job: Job) -> None:
    async def reached() -> bool:
        return (await studio.job(job.job_id)).state == JobState.JOB_STATE_CANCELLED

    await until(reached)


async def test_a_film_is_published_when_the_scheduler_was_killed(
    studio: Studio, dask: DaskCluster, source: bytes, of_threads: dict[str, str]
) -> None:
    dask.hire(2)
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: some_are_done(studio), seconds=120)
    await asyncio.to_thread(dask.kill)
    await until(lambda: not encoders(dask))
    kept = await finished(studio)
    await asyncio.to_thread(dask.start)

    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)

    assert await asset(studio) == of_threads
    assert studio.log("attempt ended") == []
    begun = [told["digest"] for told in dask.said("encoding")]
    assert all(begun.count(digest) == 1 for digest in kept)


async def test_a_killed_worker_of_control_leaves_the_cluster_idle(
    studio: Studio, dask: DaskCluster, source: bytes, of_threads: dict[str, str]
) -> None:
    dask.hire(2)
    job = await studio.upload(source)
    conductor = await studio.hire()
    await until(lambda: some_are_done(studio), seconds=120)
    await until(lambda: encoders(dask))
    await dismiss(conductor, 9)
    await until(lambda: not encoders(dask), seconds=5)
    await studio.hire()
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    assert await asset(studio) == of_threads


async def test_workers_fetch_a_film_once_each_and_take_it_with_them(
    studio: Studio, dask: DaskCluster, source: bytes
) -> None:
    [worker] = dask.hire()
    job = await studio.upload(source)
    await studio.hire()
    await until(lambda: some_are_done(studio), seconds=120)
    [copy] = films(dask)
    assert copy.read_bytes() == source
    await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, PATIENCE) == 0
    assert films(dask) == []


async def test_a_worker_of_another_store_costs_no_try_and_names_both(
    tmp_path: Path, dask: DaskCluster, source: bytes
) -> None:
    ours, other = dask.environment["MATINEE_STORE__URL"], (tmp_path / "other").as_uri()
    dask.environment["MATINEE_STORE__URL"] = other
    [stray] = dask.hire()
    async with opened(tmp_path / "data", **sections(dask.url, attempts=1)) as studio:
        job = await studio.upload(source)
        await studio.hire()
        message = await lack(studio, job)
        assert f"has the object store {other}, and `matinee worker` has {ours}: give both the same [store]" in message
        stray.terminate()
        dask.environment["MATINEE_STORE__URL"] = ours
        dask.hire()
        await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)


async def test_workers_need_nothing_but_the_scheduler_and_a_bucket(
    tmp_path: Path, source: bytes, of_threads: dict[str, str], seaweedfs: S3
) -> None:
    async with on_a_bucket(tmp_path, seaweedfs) as studio:
        job = await studio.upload(source)
        await studio.hire()
        await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
        assert await asset(studio) == of_threads
        assert not list(studio.settings.scratch_directory.rglob("*.encoding"))
    assert not (tmp_path / "data" / "objects").exists()


async def test_a_bucket_that_is_away_while_a_film_is_encoded_costs_no_try(
    tmp_path: Path, source: bytes, seaweedfs: S3
) -> None:
    bucket, faults = await asyncio.to_thread(new_bucket, seaweedfs), Faults()
    async with faulty(bucket.endpoint, faults) as endpoint:
        behind = bucket.model_copy(update={"endpoint": endpoint})
        with dask_cluster(tmp_path / "dask", **as_environment(behind)) as dask:
            dask.hire(2)
            store = {"url": bucket.url, **seaweedfs.settings, "endpoint": endpoint}
            async with opened(tmp_path / "data", **sections(dask.url, attempts=1), store=store) as studio:
                job = await studio.upload(source)
                await studio.hire()
                await until(lambda: some_are_done(studio), seconds=120)
                faults.begin(errors=1)
                away = asyncio.create_task(asyncio.sleep(AWAY_SECONDS))
                assert await lack(studio, job) == "the object store does not answer"
                await away
                faults.begin()
                await in_state(studio, job, JobState.JOB_STATE_PUBLISHED)
                assert await asset(studio)


async def test_a_film_that_is_dropped_into_the_bucket_is_encoded_by_the_cluster(
    tmp_path: Path, source: bytes, of_threads: dict[str, str], seaweedfs: S3
) -> None:
    incoming = {"account": "admin@matinee.local", "poll_seconds": 0.5}
    async with on_a_bucket(tmp_path, seaweedfs, incoming=incoming) as studio:
        await studio.store.put("incoming/Dropped.mp4", source)
        await studio.hire()

        async def taken() -> bool:
            assert studio.log("attempt ended") == []
            return not await studio.keys("incoming")

        await until(taken, seconds=150)
        assert await asset(studio) == of_threads
