"""The worker while it has nothing to do, or cannot do it."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest import worker
from ingest.attempt import LEASE_FILE
from ingest.publication import Publication
from matinee.errors import Unavailable
from matinee.settings import load_settings
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease, JobState, PublishAssetRequest
from tests.jobs import Desk, serving
from tests.patience import until

pytestmark = pytest.mark.anyio


async def test_an_idle_worker_concludes_what_a_lost_answer_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CONCLUDE_SECONDS", 0.05)
    settings = load_settings(data=tmp_path, worker={"poll_seconds": 0.01})
    store, desk, stop = open_store("memory://"), Desk(), asyncio.Event()
    publication = Publication(PublishAssetRequest(job_id="j", asset_id="asset"), upload_id="u")
    async with serving(desk, tmp_path) as channel:
        with ThreadPoolExecutor(1) as executor:
            working = asyncio.create_task(worker.work(settings, store, channel, executor, None, "secret", stop))
            async with desk.heard:
                await desk.heard.wait_for(lambda: desk.asked)
            await store.put(publication.key, publication.encode())
            async with desk.heard:
                await desk.heard.wait_for(lambda: desk.published)
            stop.set()
            await working
    assert desk.published == [publication.request]


async def test_no_job_is_blamed_or_taken_while_the_store_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data=tmp_path, worker={"poll_seconds": 0.01})
    store, desk, stop, looks = open_store("memory://"), Desk(), asyncio.Event(), list[str]()
    desk.waiting = [JobLease(job_id=job, upload_id=job, lease_seconds=30) for job in ("one", "other")]

    async def away(prefix: str) -> None:
        looks.append(prefix)
        raise Unavailable("the object store does not answer; try again")

    async with serving(desk, tmp_path) as channel:
        with ThreadPoolExecutor(1) as executor, monkeypatch.context() as patch:
            patch.setattr(store, "list", away)
            patch.setattr(store, "probe", away)
            working = asyncio.create_task(worker.work(settings, store, channel, executor, None, "secret", stop))
            await until(lambda: looks.count("worker") > 5)
            [given_back] = desk.released
            patch.undo()
            await until(lambda: len(desk.released) == 2)
            stop.set()
            await working
    assert (given_back.state, given_back.blameless) == (JobState.JOB_STATE_QUEUED, True)
    assert given_back.message == "the object store does not answer"
    assert desk.released[1].message == "the file is empty"  # it was looked at


async def test_a_job_is_given_back_before_a_worker_ends_whose_scratch_is_gone(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, worker={"poll_seconds": 0.01})
    store, desk, stop = open_store("memory://"), Desk(), asyncio.Event()
    async with serving(desk, tmp_path) as channel:
        with ThreadPoolExecutor(1) as executor:
            working = asyncio.create_task(worker.work(settings, store, channel, executor, None, "secret", stop))
            await until(lambda: bool(desk.asked))
            shutil.rmtree(settings.scratch_directory)
            desk.waiting = [JobLease(job_id="one", upload_id="one", lease_seconds=30)]
            with pytest.raises(FileNotFoundError):
                await working
    [given_back] = desk.released
    assert given_back.state == JobState.JOB_STATE_QUEUED


async def test_a_worker_starts_though_another_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data=tmp_path, worker={"poll_seconds": 0.01})
    store, desk, stop = open_store("memory://"), Desk(), asyncio.Event()
    for name in ("one", "other"):
        note = settings.scratch_directory / f"worker-{name}" / name / LEASE_FILE
        note.parent.mkdir(parents=True)
        note.write_bytes(JobLease(job_id=name).SerializeToString())
    read = Path.read_bytes

    def removed_before(note: Path) -> bytes:
        shutil.rmtree(settings.scratch_directory / "worker-one", ignore_errors=True)
        return read(note)

    async with serving(desk, tmp_path) as channel:
        with ThreadPoolExecutor(1) as executor, monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", removed_before)
            working = asyncio.create_task(worker.work(settings, store, channel, executor, None, "secret", stop))
            await until(lambda: working.done() or bool(desk.asked))
            stop.set()
            await working
    assert [given_back.job_id for given_back in desk.released] == ["other"]
