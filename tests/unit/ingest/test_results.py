from pathlib import Path

import pytest

from ingest.results import Results, finished
from matinee.errors import DataLoss, NotFound
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> ObjectStore:
    return open_store("memory://")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "v360.mp4").write_bytes(b"three hundred and sixty")
    (folder / "v234.mp4").write_bytes(b"two hundred and thirty-four")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_a_result_is_held_once_it_is_whole(store: ObjectStore, made: Path) -> None:
    results = Results(store, "upload")
    assert not await results.holds("span")
    await results.put("span", made)
    assert await results.holds("span")


async def test_what_was_put_comes_back(store: ObjectStore, made: Path, tmp_path: Path) -> None:
    results = Results(store, "upload")
    await results.put("span", made)
    await results.get("span", tmp_path / "back")
    assert content(tmp_path / "back") == content(made)


async def test_only_a_result_with_a_manifest_is_finished(store: ObjectStore, made: Path) -> None:
    results = Results(store, "upload")
    await results.put("whole", made)
    await store.put("spans/upload/half/v360.mp4", b"")
    assert await results.finished() == {"whole"}


async def test_results_of_another_upload_do_not_count(store: ObjectStore, made: Path) -> None:
    await Results(store, "other").put("span", made)
    assert await Results(store, "upload").finished() == set()


async def test_a_result_that_has_vanished_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await Results(store, "upload").get("span", tmp_path / "back")


async def test_a_file_that_has_vanished_is_not_found(store: ObjectStore, made: Path, tmp_path: Path) -> None:
    results = Results(store, "upload")
    await results.put("span", made)
    await store.delete(["spans/upload/span/v360.mp4"])
    with pytest.raises(NotFound):
        await results.get("span", tmp_path / "back")


async def test_a_file_that_has_changed_is_noticed(store: ObjectStore, made: Path, tmp_path: Path) -> None:
    results = Results(store, "upload")
    await results.put("span", made)
    await store.put("spans/upload/span/v360.mp4", b"three hundred and sixty-one")
    with pytest.raises(DataLoss, match=r"v360\.mp4"):
        await results.get("span", tmp_path / "back")


def test_nothing_is_finished_in_an_empty_store() -> None:
    assert finished([]) == set()
