"""A disk that is full: nobody dies of it, nothing half written stays, and work goes on when there is room."""

import asyncio
import platform
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from protos.v1.jobs_pb2 import Job, JobState
from tests import playhouse, studio
from tests.films import film
from tests.patience import until
from tests.playhouse import Playhouse
from tests.ports import free_port
from tests.small_disk import on_a_small_disk, seen_by
from tests.studio import Studio, dismiss
from tests.tus import create, offset_of, patch

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

KIB, MIB = 1024, 1024**2
SECTIONS: dict[str, dict[str, Any]] = {
    "worker": {"executor": "threads://2", "poll_seconds": 0.1, "attempts": 1},
    "ladder": {"preset": "ultrafast"},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=12).read_bytes()


@pytest.mark.parametrize(
    ("folder", "room"),
    [("scratch", 100 * KIB), ("scratch", 170 * KIB), ("objects/spans", 100 * KIB)],
    ids=["no room for the film", "no room for what is encoded", "no room for results"],
)
async def test_a_job_waits_for_a_worker_with_room(tmp_path: Path, source: bytes, folder: str, room: int) -> None:
    async with studio.opened(tmp_path, **SECTIONS) as house:
        job = await house.upload(source)
        worker = await house.hire(*on_a_small_disk(tmp_path / folder, room))
        await until(lambda: given_back(house, job))
        put_back = await house.job(job.job_id)
        assert "make room" in put_back.message
        assert put_back.HasField("waits_since")
        await until(lambda: tidied(worker, tmp_path / folder))
        assert worker.returncode is None
        await dismiss(worker)
        assert worker.returncode == 0

        await house.hire()
        await until(lambda: published(house, job))


async def test_a_worker_waits_for_room_and_says_what_it_waits_for(tmp_path: Path, source: bytes) -> None:
    port = free_port("127.0.0.1")
    async with studio.opened(tmp_path, **SECTIONS, admin={"host": "127.0.0.1", "worker_port": port}) as house:
        worker = await house.hire(*on_a_small_disk(tmp_path / "scratch", 32 * MIB))
        await until(lambda: house.log("worker started"))
        filler = Path(f"/proc/{worker.pid}/root{tmp_path}/scratch/filler")
        await asyncio.to_thread(filler.write_bytes, bytes(32 * MIB - 64 * KIB))
        job = await house.upload(source)
        await until(lambda: given_back(house, job))
        full = f"the disk of {platform.node()} is full: make room for its worker.scratch"
        await until(lambda: house.log("no job is taken for now"))
        [said] = house.log("no job is taken for now")
        async with httpx.AsyncClient(trust_env=False) as operator:
            told = (await operator.get(f"http://127.0.0.1:{port}/readyz")).json()
        assert said["reason"] == full
        assert told["faults"] == [f"scratch: {full}"]
        assert (await house.job(job.job_id)).attempts == 1

        await asyncio.to_thread(filler.unlink)
        await until(lambda: published(house, job))
        assert (await house.job(job.job_id)).attempts == 2


async def test_a_film_that_no_disk_holds_is_told_and_keeps_no_other_waiting(tmp_path: Path, source: bytes) -> None:
    async with studio.opened(tmp_path, **SECTIONS) as house:
        large = await house.upload(bytes(48 * MIB))
        small = await house.upload(source, name="small")
        await house.hire(*on_a_small_disk(tmp_path / "scratch", 40 * MIB))
        await until(lambda: published(house, small))
        told = await house.job(large.job_id)
        assert "the film has 50 MB" in told.message
        assert "room for 42 of its 42 MB" in told.message
        assert told.HasField("waits_since")


async def tidied(worker: Process, folder: Path) -> bool:
    """Whether a worker has left nothing in scratch, and no object of which only a part was written."""
    return not [path for path in seen_by(worker.pid, folder) if "scratch" in path.parts or "#" in path.name]


async def given_back(house: Studio, job: Job) -> bool:
    now = await house.job(job.job_id)
    return now.state == JobState.JOB_STATE_QUEUED and bool(now.message)


async def published(house: Studio, job: Job) -> bool:
    return (await house.job(job.job_id)).state == JobState.JOB_STATE_PUBLISHED


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Playhouse]:
    """A playhouse whose edge has 4 MiB for uploads."""
    async with playhouse.opened(tmp_path, UPLOADS__PART_BYTES=str(MIB)) as house:
        await house.end("edge")
        await house.start("edge", *on_a_small_disk(tmp_path / "objects" / "uploads", 4 * MIB))
        yield house


async def test_an_upload_waits_for_room(house: Playhouse, tmp_path: Path) -> None:
    headers = {"tus-resumable": "1.0.0", **house.bearer}
    async with httpx.AsyncClient(base_url=house.client.base_url, headers=headers, trust_env=False) as client:
        first, second = await create(client, 3 * MIB), await create(client, 3 * MIB)
        assert (await patch(client, first, 0, bytes(2 * MIB))).status_code == 204
        refused = await patch(client, second, 0, bytes(3 * MIB))
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        assert refused.json()["detail"] == "the object store is full; make room and try again"
        files = seen_by(house.running["edge"].pid, tmp_path / "objects" / "uploads")
        assert sum(path.stat().st_size for path in files if path.name != "info.json") == 3 * MIB
        assert await offset_of(client, second) == MIB
        assert (await client.get("/healthz")).status_code == 200

        assert (await client.delete(first)).status_code == 204
        assert (await patch(client, second, MIB, bytes(2 * MIB))).headers["matinee-title-id"]
