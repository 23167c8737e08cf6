from pathlib import Path

import pytest

from ingest.publication import Publication, asset_id, conclude, conclude_all, upload
from ingest.stages import LeaseLost
from matinee.delivery import ASSET_ID
from matinee.errors import Conflict, NotFound, Unavailable
from matinee.storage.object_store import ObjectStore, StoredObject
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import PublishAssetRequest
from tests.jobs import Desk, client, serving

pytestmark = pytest.mark.anyio

PUBLICATION = Publication(
    PublishAssetRequest(job_id="j", fencing_token=7, asset_id="asset", duration_seconds=12.5, audio_languages=["eng"]),
    upload_id="u",
)
OBJECTS = ("assets/asset/v234.mp4", "assets/asset/index.bin")
REST = ("spans/u/a/v234.mp4", "uploads/u/0000000000000000")
OTHERS = ("spans/other/a/v234.mp4", "uploads/other/0000000000000000")


@pytest.fixture
async def store() -> ObjectStore:
    """What a worker that was killed between recording and publishing leaves, beside another upload of the film."""
    store = open_store("memory://")
    for key in (*OBJECTS, *REST, *OTHERS):
        await store.put(key, b"bytes")
    await store.put(PUBLICATION.key, PUBLICATION.encode())
    return store


async def keys(store: ObjectStore, prefix: str = "") -> set[str]:
    return {found.key for found in await store.list(prefix)}


def nothing() -> None:
    """The lease holds."""


def test_an_asset_is_named_by_its_upload_and_its_index() -> None:
    names = {asset_id("upload", b"index"), asset_id("other", b"index"), asset_id("upload", b"other")}
    assert len(names) == 3
    assert all(ASSET_ID.fullmatch(name) for name in names)


def test_a_record_says_all_that_was_to_be_published() -> None:
    assert Publication.decode(PUBLICATION.encode()) == PUBLICATION


async def test_the_index_is_written_when_all_else_is_there(tmp_path: Path) -> None:
    store = open_store("memory://")
    for name in ("index.bin", "poster.jpg", "v234.mp4"):
        (tmp_path / name).write_bytes(b"1234")
    await upload(store, tmp_path, "asset", nothing)
    written = sorted(await store.list("assets/asset"), key=lambda found: found.modified)
    assert written[-1].key == "assets/asset/index.bin"


async def test_an_upload_stops_when_the_lease_is_lost(tmp_path: Path) -> None:
    def lost() -> None:
        raise LeaseLost("control took no heartbeat for 30 s")

    store = open_store("memory://")
    (tmp_path / "v234.mp4").write_bytes(b"1234")
    with pytest.raises(LeaseLost):
        await upload(store, tmp_path, "asset", lost)
    assert await keys(store) == set()


async def test_what_is_recorded_is_published_and_the_rest_removed(store: ObjectStore, tmp_path: Path) -> None:
    desk = Desk()
    async with serving(desk, tmp_path) as channel:
        await conclude_all(store, client(channel))
    assert desk.published == [PUBLICATION.request]
    assert await keys(store) == {*OBJECTS, *OTHERS}


@pytest.mark.parametrize(
    "record",
    [b"", b"\xff", b"[]", b"{}", b'{"request": 1, "upload_id": "u"}', b'{"request": {"later": 1}, "upload_id": "u"}'],
    ids=["empty", "no text", "a list", "nothing", "a number", "a later field"],
)
async def test_a_record_that_another_release_has_written_is_left_and_the_rest_concluded(
    store: ObjectStore, tmp_path: Path, record: bytes
) -> None:
    await store.put("publications/a.json", record)
    desk = Desk()
    async with serving(desk, tmp_path) as channel:
        await conclude_all(store, client(channel))
    assert desk.published == [PUBLICATION.request]
    assert await keys(store, "publications") == {"publications/a.json"}


async def test_a_record_that_another_worker_removes_meanwhile_is_passed_over(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(prefix: str) -> list[StoredObject]:
        found = await ObjectStore.list(store, prefix)
        await store.delete(["publications/a.json"])
        return found

    await store.put("publications/a.json", PUBLICATION.encode())
    monkeypatch.setattr(store, "list", listed)
    desk = Desk()
    async with serving(desk, tmp_path) as channel:
        await conclude_all(store, client(channel))
    assert desk.published == [PUBLICATION.request]


async def test_a_record_of_an_older_lease_does_not_keep_the_rest_from_being_concluded(
    store: ObjectStore, tmp_path: Path
) -> None:
    older = Publication(PublishAssetRequest(job_id="a", fencing_token=6, asset_id="older"), upload_id="a")
    await store.put(older.key, older.encode())
    desk = Desk()
    desk.fencing_token = 7
    async with serving(desk, tmp_path) as channel:
        await conclude_all(store, client(channel))
    assert desk.published == [PUBLICATION.request]
    assert await keys(store, "publications") == set()


async def test_a_job_with_a_newer_lease_keeps_its_spans(store: ObjectStore, tmp_path: Path) -> None:
    desk = Desk()
    desk.fencing_token = 8
    async with serving(desk, tmp_path) as channel:
        with pytest.raises(Conflict):
            await conclude(store, client(channel), PUBLICATION)
    assert desk.published == []
    assert await keys(store) == {*OBJECTS, *REST, *OTHERS}


async def test_a_title_that_was_deleted_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    desk = Desk()
    desk.failure = NotFound("there is no such job")
    async with serving(desk, tmp_path) as channel:
        with pytest.raises(NotFound):
            await conclude(store, client(channel), PUBLICATION)
    assert await keys(store) == set(OTHERS)


async def test_a_record_waits_for_a_control_that_is_away(store: ObjectStore, tmp_path: Path) -> None:
    before, desk = await keys(store), Desk()
    desk.failure = Unavailable("the database is away")
    async with serving(desk, tmp_path) as channel:
        with pytest.raises(Unavailable):
            await conclude(store, client(channel), PUBLICATION)
    assert await keys(store) == before
