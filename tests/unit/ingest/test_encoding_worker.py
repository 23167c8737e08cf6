"""The worker of a cluster, which encodes."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.encoding import Piece
from ingest.encoding_worker import EncodingWorker, open_encoding_worker
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.results import Results
from matinee.errors import Cancelled, Unavailable
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.settings import WorkerSettings, load_settings
from matinee.storage import ObjectStore, open_store
from protos.v1.jobs_pb2 import JobLease
from tests.stopping import stopping

FILM = b"a film"
TERMS = JobLease(upload_id="u", size_bytes=len(FILM), sha256=hashlib.sha256(FILM).hexdigest())
VERSION = Ffmpeg.from_settings(WorkerSettings()).version()


@pytest.fixture
def store() -> ObjectStore:
    store = open_store("memory://")
    asyncio.run(store.put(f"uploads/u/{0:016d}", FILM))
    return store


@pytest.fixture
def worker(tmp_path: Path, store: ObjectStore) -> Iterator[EncodingWorker]:
    with open_encoding_worker(load_settings(data=tmp_path), store) as worker:
        yield worker


def copied(film: Path, directory: Path, ffmpeg: Ffmpeg, limits: Limits, *, check: Check, on_seconds: OnSeconds) -> None:
    """Encodes by copying."""
    (directory / "v234.mp4").write_bytes(film.read_bytes())


COPY = Piece("digest", 10, 1, copied)


def result(store: ObjectStore, folder: Path) -> bytes:
    """What is kept of the piece."""
    asyncio.run(Results(store, "u").get("digest", folder))
    return (folder / "v234.mp4").read_bytes()


def test_a_piece_is_encoded_from_the_film_in_the_store_and_kept_there(
    worker: EncodingWorker, store: ObjectStore, tmp_path: Path
) -> None:
    worker.encode(COPY, TERMS, VERSION, unchecked, unheard)
    assert result(store, tmp_path / "kept") == FILM
    assert list(worker.folder.iterdir()) == []


def test_what_is_kept_already_is_not_encoded_again(worker: EncodingWorker, store: ObjectStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "v234.mp4").write_bytes(b"encoded before")
    asyncio.run(Results(store, "u").put("digest", made))
    worker.encode(COPY, TERMS, VERSION, unchecked, unheard)
    assert result(store, tmp_path / "kept") == b"encoded before"


def test_another_ffmpeg_encodes_nothing(worker: EncodingWorker, store: ObjectStore) -> None:
    with pytest.raises(Unavailable, match=f"has ffmpeg {VERSION}, and the film is encoded with n9.9.9"):
        worker.encode(COPY, TERMS, "n9.9.9", unchecked, unheard)
    assert asyncio.run(store.list("spans")) == []


def test_nothing_is_kept_of_work_that_was_cancelled(worker: EncodingWorker, store: ObjectStore) -> None:
    with pytest.raises(Cancelled):
        worker.encode(COPY, TERMS, VERSION, stopping(after=2), unheard)
    assert asyncio.run(store.list("spans")) == []
    assert list(worker.folder.iterdir()) == []


def test_what_a_killed_worker_left_is_removed_at_the_next_start(tmp_path: Path, store: ObjectStore) -> None:
    left = tmp_path / "scratch" / "cluster" / "worker-killed" / "piece"
    copy = tmp_path / "scratch" / "cluster" / "films" / "another" / "film"
    for folder in (left, copy.parent):
        folder.mkdir(parents=True)
    copy.write_bytes(FILM)
    with open_encoding_worker(load_settings(data=tmp_path), store):
        assert not left.exists()
        assert not copy.exists()
