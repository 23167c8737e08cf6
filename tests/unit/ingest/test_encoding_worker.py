"""The worker of a cluster, which encodes."""

import asyncio
import hashlib
import platform
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from ingest.crew import Crew
from ingest.encoders import ClusterEncoder
from ingest.encoding import Piece
from ingest.encoding_worker import Commission, EncodingWorker, open_encoding_worker
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.results import Results
from matinee.errors import Cancelled, DiskFull, Misconfigured, SourceRefused
from matinee.executor import Check, OnSeconds, unchecked, unheard
from matinee.layout import drop_id
from matinee.settings import WorkerSettings, load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease
from tests.stopping import stopping

FILM = b"a film"
SHA256 = hashlib.sha256(FILM).hexdigest()
TERMS = JobLease(upload_id="u", size_bytes=len(FILM), fencing_token=7)
VERSION = Ffmpeg.from_settings(WorkerSettings()).version()
COMMISSION = Commission.of(TERMS, SHA256, VERSION, "memory://")


@pytest.fixture
def store() -> ObjectStore:
    store = open_store("memory://")
    asyncio.run(store.put(f"uploads/u/{0:016d}", FILM))
    asyncio.run(Results(store, "u").mark(TERMS.fencing_token))
    return store


@pytest.fixture
def worker(tmp_path: Path, store: ObjectStore) -> Iterator[EncodingWorker]:
    with open_encoding_worker(load_settings(data=tmp_path), store) as worker:
        yield worker


def copied(film: Path, directory: Path, ffmpeg: Ffmpeg, limits: Limits, *, check: Check, on_seconds: OnSeconds) -> None:
    """Encodes by copying."""
    (directory / "v234.mp4").write_bytes(film.read_bytes())


COPY = Piece("digest", 10, 1, copied)


class Cluster(ThreadPoolExecutor):
    """Has the worker do what travels to a cluster."""

    def __init__(self, worker: EncodingWorker) -> None:
        super().__init__(1)
        self._worker = worker

    @override
    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        return super().submit(self._worker.encode, *arguments, **named)


def kept(store: ObjectStore) -> list[str]:
    """The keys of what is kept of any piece."""
    return [found.key for found in asyncio.run(store.list("spans")) if not found.key.endswith("/lease-7")]


def result(store: ObjectStore, folder: Path, upload_id: str = "u") -> bytes:
    """What is kept of the piece."""
    asyncio.run(Results(store, upload_id).get("digest", folder))
    return (folder / "v234.mp4").read_bytes()


def test_a_piece_is_encoded_from_the_film_in_the_store_and_kept_there(
    worker: EncodingWorker, store: ObjectStore, tmp_path: Path
) -> None:
    worker.encode(COPY, COMMISSION, unchecked, unheard)
    assert result(store, tmp_path / "kept") == FILM
    assert list(worker.folder.iterdir()) == []


def test_a_film_that_was_dropped_is_fetched_from_where_it_lies(
    worker: EncodingWorker, store: ObjectStore, tmp_path: Path
) -> None:
    asyncio.run(store.put("incoming/Dropped.mp4", FILM))
    dropped = asyncio.run(store.head("incoming/Dropped.mp4"))
    upload_id = drop_id(dropped.key, dropped.etag, dropped.size, dropped.modified)
    terms = JobLease(upload_id=upload_id, source_key=dropped.key, size_bytes=dropped.size, fencing_token=7)
    asyncio.run(Results(store, upload_id).mark(7))
    with Cluster(worker) as cluster:
        encoder = ClusterEncoder(Crew(cluster, cluster), Commission.of(terms, SHA256, VERSION, "memory://"))
        asyncio.run(encoder.encode(COPY, unheard))
    assert result(store, tmp_path / "kept", upload_id) == FILM


def test_what_is_kept_already_is_not_encoded_again(worker: EncodingWorker, store: ObjectStore, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "v234.mp4").write_bytes(b"encoded before")
    asyncio.run(Results(store, "u").put("digest", made))
    worker.encode(COPY, COMMISSION, unchecked, unheard)
    assert result(store, tmp_path / "kept") == b"encoded before"


def test_another_ffmpeg_encodes_nothing(worker: EncodingWorker, store: ObjectStore) -> None:
    other = Commission.of(TERMS, SHA256, "n9.9.9", "memory://")
    with pytest.raises(Misconfigured, match=f"has ffmpeg {VERSION}, and the film is encoded with n9.9.9"):
        worker.encode(COPY, other, unchecked, unheard)
    assert kept(store) == []


def test_a_worker_of_another_store_names_both(worker: EncodingWorker, store: ObjectStore) -> None:
    bucket = {"access_key_id": "ours", "secret_access_key": "a secret", "endpoint": "http://s3:8333"}
    place = open_store("s3://films/house", load_settings(store=bucket).store).place
    other = Commission.of(JobLease(upload_id="u", fencing_token=8), SHA256, VERSION, place)
    sentence = (
        f"the Dask worker on {platform.node()} has the object store memory://, "
        "and `matinee worker` has s3://films/house at http://s3:8333: give both the same [store]"
    )
    with pytest.raises(Misconfigured, match=f"^{re.escape(sentence)}$"):
        worker.encode(COPY, other, unchecked, unheard)
    assert kept(store) == []


def test_folders_of_one_name_on_two_machines_are_told_apart(worker: EncodingWorker) -> None:
    other = Commission.of(JobLease(upload_id="u", fencing_token=8), SHA256, VERSION, "memory://")
    with pytest.raises(Misconfigured, match=r"^memory:// is another folder for the Dask worker .*: mount the same one"):
        worker.encode(COPY, other, unchecked, unheard)


def test_nothing_is_kept_of_work_that_was_cancelled(worker: EncodingWorker, store: ObjectStore) -> None:
    with pytest.raises(Cancelled):
        worker.encode(COPY, COMMISSION, stopping(after=2), unheard)
    assert kept(store) == []
    assert list(worker.folder.iterdir()) == []


def into_full_disk(
    film: Path, directory: Path, ffmpeg: Ffmpeg, limits: Limits, *, check: Check, on_seconds: OnSeconds
) -> None:
    """Encodes to where there is no room."""
    Path("/dev/full").write_bytes(film.read_bytes())


def test_a_full_disk_is_told_with_the_name_of_its_machine(worker: EncodingWorker) -> None:
    with pytest.raises(DiskFull, match=f"the disk of {platform.node()} is full"):
        worker.encode(Piece("digest", 10, 1, into_full_disk), COMMISSION, unchecked, unheard)
    assert list(worker.folder.iterdir()) == []


def test_nothing_is_left_of_a_film_that_could_not_be_fetched(worker: EncodingWorker, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="SHA-256 differs"):
        worker.encode(COPY, Commission.of(TERMS, "0" * 64, VERSION, "memory://"), unchecked, unheard)
    assert [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == []


def test_what_a_killed_worker_left_is_removed_at_the_next_start(tmp_path: Path, store: ObjectStore) -> None:
    left = tmp_path / "scratch" / "cluster" / "worker-killed" / "piece"
    copy = tmp_path / "scratch" / "cluster" / "films" / "another" / "film"
    for folder in (left, copy.parent):
        folder.mkdir(parents=True)
    copy.write_bytes(FILM)
    with open_encoding_worker(load_settings(data=tmp_path), store):
        assert not left.exists()
        assert not copy.exists()
