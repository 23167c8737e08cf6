"""What every object store does; run over each implementation."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from matinee.errors import DataLoss, InvalidInput, NotFound, Unavailable
from matinee.storage import ObjectStore, open_store

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return open_store({"file": (tmp_path / "objects").as_uri(), "memory": "memory://"}[request.param])


async def test_what_was_put_is_read(store: ObjectStore) -> None:
    await store.put("a/b", b"hello")
    assert await store.get("a/b") == b"hello"


async def test_a_put_replaces_the_whole_object(store: ObjectStore) -> None:
    await store.put("a", b"a long text")
    await store.put("a", b"short")
    assert await store.get("a") == b"short"


async def test_create_never_replaces(store: ObjectStore) -> None:
    assert await store.create("a", b"first")
    assert not await store.create("a", b"second")
    assert await store.get("a") == b"first"


async def test_a_file_is_put_whole(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 50_000)
    await store.put_file("a", source)
    assert await store.get("a") == source.read_bytes()


async def test_a_range_ends_before_its_end(store: ObjectStore) -> None:
    await store.put("a", b"0123456789")
    assert await store.get_range("a", 2, 5) == b"234"


async def test_a_range_past_the_end_is_no_short_body(store: ObjectStore) -> None:
    await store.put("a", b"0123")
    with pytest.raises(DataLoss):
        await store.get_range("a", 2, 9)


async def test_a_stream_gives_every_byte(store: ObjectStore) -> None:
    content = bytes(range(256)) * 20_000
    await store.put("a", content)
    assert b"".join([chunk async for chunk in store.stream("a")]) == content


async def test_a_missing_key_is_not_found(store: ObjectStore) -> None:
    for read in (store.get("none"), store.head("none"), store.get_range("none", 0, 1)):
        with pytest.raises(NotFound):
            await read


async def test_a_list_holds_the_keys_below_its_prefix_in_order(store: ObjectStore) -> None:
    for key in ("x/2", "x/1", "xy/3", "y/4"):
        await store.put(key, b"1")
    assert [found.key for found in await store.list("x")] == ["x/1", "x/2"]


async def test_a_list_may_begin_after_a_key(store: ObjectStore) -> None:
    for key in ("x/1", "x/2", "x/3", "y/4"):
        await store.put(key, b"1")
    assert [found.key for found in await store.list("x", after="x/1")] == ["x/2", "x/3"]
    assert [found.key for found in await store.list("x", after="x/15")] == ["x/2", "x/3"]


async def test_a_deleted_prefix_is_empty_and_others_are_kept(store: ObjectStore) -> None:
    for key in ("x/1", "x/2/3", "y/1"):
        await store.put(key, b"1")
    await store.delete_prefix("x")
    assert [found.key for found in await store.list("")] == ["y/1"]


async def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    await store.put("a", b"1")
    await store.delete(["a"])
    await store.delete(["a"])


async def test_a_deleted_prefix_leaves_no_files_of_killed_writers(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    await store.put("x/y/1", b"1")
    (tmp_path / "x/y/2#1").write_bytes(b"half of an obj")
    await store.delete_prefix("x")
    assert not (tmp_path / "x").exists()


async def test_what_a_store_fails_at_is_for_the_log_and_not_for_viewers(tmp_path: Path) -> None:
    store = open_store((tmp_path / "objects").as_uri())
    (tmp_path / "objects").rmdir()
    (tmp_path / "objects").write_bytes(b"no folder any more")
    with capture_logs() as lines, pytest.raises(Unavailable) as failure:
        await store.get("assets/a/index.bin")
    assert str(failure.value) == "the object store does not answer; try again"
    [line] = lines
    assert (line["key"], line["log_level"]) == ("assets/a/index.bin", "warning")
    assert "Not a directory" in line["reason"]
    assert "\n" not in line["reason"]


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_store((tmp_path / "objects").as_uri())
    assert (tmp_path / "objects").stat().st_mode & 0o777 == 0o700


def test_an_unknown_address_is_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="store\\.url"):
        open_store("ftp://somewhere")


@pytest.mark.parametrize("url", ["file:///dev/null/objects", "s3://", "s3://two words"])
def test_a_store_that_cannot_be_opened_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be opened: [^\n]+$"):
        open_store(url)


def test_a_folder_is_made_only_if_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not there"):
        open_store((tmp_path / "objects").as_uri(), create=False)
    assert not (tmp_path / "objects").exists()
