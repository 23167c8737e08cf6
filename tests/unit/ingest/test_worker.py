"""The worker while it has nothing to do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest import worker
from ingest.publication import Publication
from matinee.settings import load_settings
from matinee.storage import open_store
from protos.v1.jobs_pb2 import PublishAssetRequest
from tests.jobs import Desk, serving

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
