import hashlib
import platform
import shutil
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.fetch import fetch, refuse_without_room
from ingest.stages import ending
from matinee.errors import DataLoss, DiskFull, SourceRefused
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease, JobState

pytestmark = pytest.mark.anyio

FILM = bytes(range(256)) * 40
SHA256 = hashlib.sha256(FILM).hexdigest()


async def uploaded(*cuts: int) -> ObjectStore:
    """A store with the film, cut into parts at these offsets."""
    store = open_store("memory://")
    edges = [0, *cuts, len(FILM)]
    for start, end in pairwise(edges):
        await store.put(f"uploads/u/{start:016d}", FILM[start:end])
    await store.put("uploads/u/info.json", b"{}")
    return store


def terms(size: int = len(FILM), sha256: str = SHA256) -> JobLease:
    return JobLease(upload_id="u", size_bytes=size, sha256=sha256)


def ignore(part: float) -> None:
    """Nobody looks at the progress."""


async def test_the_source_is_its_parts_one_after_the_other(tmp_path: Path) -> None:
    assert await fetch(await uploaded(1, 5000), terms(), tmp_path / "source", ignore) == SHA256
    assert (tmp_path / "source").read_bytes() == FILM


async def test_the_digest_is_computed_when_none_was_declared(tmp_path: Path) -> None:
    assert await fetch(await uploaded(), terms(sha256=""), tmp_path / "source", ignore) == SHA256


async def test_progress_ends_at_one(tmp_path: Path) -> None:
    heard: list[float] = []
    await fetch(await uploaded(1024), terms(), tmp_path / "source", heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1


async def test_a_declared_digest_in_capitals_is_the_same(tmp_path: Path) -> None:
    assert await fetch(await uploaded(), terms(sha256=SHA256.upper()), tmp_path / "source", ignore) == SHA256


async def test_another_digest_than_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="SHA-256 differs"):
        await fetch(await uploaded(), terms(sha256="0" * 64), tmp_path / "source", ignore)


async def test_another_size_than_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="10241 bytes were declared and 10240 arrived"):
        await fetch(await uploaded(), terms(size=len(FILM) + 1), tmp_path / "source", ignore)


async def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="empty"):
        await fetch(open_store("memory://"), terms(size=0, sha256=""), tmp_path / "source", ignore)


async def test_a_store_without_any_part_is_not_to_be_taken_for_an_empty_film(tmp_path: Path) -> None:
    with pytest.raises(DataLoss, match="no part at byte 0"):
        await fetch(open_store("memory://"), terms(), tmp_path / "source", ignore)


async def test_a_missing_part_is_noticed(tmp_path: Path) -> None:
    store = await uploaded(1000, 2000)
    await store.delete(["uploads/u/0000000000001000"])
    with pytest.raises(DataLoss, match="no part at byte 1000"):
        await fetch(store, terms(), tmp_path / "source", ignore)


class Truncating(ObjectStore):
    """A store that breaks off in the middle of what it sends, and says nothing of it."""

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        async for chunk in super().stream(key):
            yield chunk[:-1]


@pytest.mark.parametrize("sha256", ["", SHA256], ids=["no digest declared", "declared"])
async def test_a_part_that_comes_short_can_be_read_again(tmp_path: Path, sha256: str) -> None:
    store = Truncating((await uploaded(1000))._backend)
    with pytest.raises(DataLoss, match="999 of 1000 bytes"):
        await fetch(store, terms(sha256=sha256), tmp_path / "source", ignore)


async def test_a_full_disk_leaves_the_job_to_be_tried_again() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        await fetch(await uploaded(), terms(), Path("/dev/full"), ignore)
    end = ending(caught.value)
    assert end.state == JobState.JOB_STATE_QUEUED
    assert f"the disk of {platform.node()} is full" in end.message


def test_a_film_without_room_is_not_fetched_in_vain(tmp_path: Path) -> None:
    size = 2 * shutil.disk_usage(tmp_path).total
    with pytest.raises(DiskFull, match=rf"the film has {size / 1e6:,.0f} MB, and the disk of .* room for [0-9,]+ of"):
        refuse_without_room(size, tmp_path)
