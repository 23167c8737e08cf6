"""What every object store does; run over each implementation, and over each S3 server that this machine has."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from matinee.errors import DataLoss, InvalidInput, NotFound, Unavailable
from matinee.settings import StoreSettings
from matinee.storage.object_store import PART_BYTES, STREAM_BYTES, ObjectStore
from matinee.storage.opening import open_store
from tests.buckets import new_store
from tests.patience import within
from tests.services.s3 import S3, s3, servers

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["file", "memory", *servers()])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3_server: Callable[[str], S3]) -> ObjectStore:
    if request.param in servers():
        settings = new_store(s3_server(request.param))
        return open_store(settings.url, settings)
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


async def test_of_many_who_create_at_once_one_wins(store: ObjectStore) -> None:
    created = await asyncio.gather(*(store.create("a", b"%d" % number) for number in range(8)))
    assert sum(created) == 1
    assert await store.get("a") == b"%d" % created.index(True)


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 7])
async def test_a_file_is_put_whole(store: ObjectStore, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    await store.put_file("a", source)
    assert await store.get("a") == source.read_bytes()
    assert (await store.head("a")).size == size


async def test_a_range_ends_before_its_end(store: ObjectStore) -> None:
    await store.put("a", b"0123456789")
    assert await store.get_range("a", 2, 5) == b"234"


async def test_a_range_past_the_end_is_no_short_body(store: ObjectStore) -> None:
    await store.put("a", b"0123")
    with pytest.raises(DataLoss):
        await store.get_range("a", 2, 9)


async def test_a_stream_gives_every_byte(store: ObjectStore) -> None:
    content = os.urandom(2 * STREAM_BYTES + 7)
    await store.put("a", content)
    chunks = [chunk async for chunk in store.stream("a")]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= STREAM_BYTES


async def test_an_empty_object_is_a_stream_of_nothing(store: ObjectStore) -> None:
    await store.put("a", b"")
    assert [chunk async for chunk in store.stream("a")] == []


async def test_a_stream_never_mixes_an_object_with_the_one_that_replaced_it(store: ObjectStore) -> None:
    await store.put("a", b"1" * (STREAM_BYTES + 1))
    stream = store.stream("a")
    await anext(stream)
    await store.put("a", b"2" * (STREAM_BYTES + 1))
    with pytest.raises(DataLoss, match="replaced"):
        await anext(stream)


async def test_a_missing_key_is_not_found(store: ObjectStore) -> None:
    for read in (store.get("none"), store.head("none"), store.get_range("none", 0, 1)):
        with pytest.raises(NotFound):
            await read


async def test_a_list_holds_the_keys_below_its_prefix_in_order(store: ObjectStore) -> None:
    for key in ("x/2", "x/1", "xy/3", "y/4"):
        await store.put(key, b"1")
    assert [found.key for found in await store.list("x")] == ["x/1", "x/2"]


async def test_a_list_is_complete_however_long_it_is(store: ObjectStore) -> None:
    keys = [f"x/{number:04d}" for number in range(1_010)]
    for start in range(0, len(keys), 101):
        await asyncio.gather(*(store.put(key, b"1") for key in keys[start : start + 101]))
    assert [found.key for found in await store.list("x")] == keys
    await store.delete_prefix("x")
    assert await store.list("x") == []


async def test_keys_may_have_characters_that_addresses_escape(store: ObjectStore) -> None:
    key = "x/ein Film (1) ü+%20&?#.mkv"
    await store.put(key, b"1")
    assert [found.key for found in await store.list("x")] == [key]
    assert await store.get(key) == b"1"


async def test_a_list_may_begin_after_a_key(store: ObjectStore) -> None:
    for key in ("x/1", "x/2", "x/3", "y/4"):
        await store.put(key, b"1")
    assert [found.key for found in await store.list("x", after="x/1")] == ["x/2", "x/3"]
    assert [found.key for found in await store.list("x", after="x/15")] == ["x/2", "x/3"]


async def test_whoever_has_nothing_to_remove_removes_nothing(store: ObjectStore) -> None:
    await store.put("a", b"1")
    await store.delete([])
    assert await store.get("a") == b"1"


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


async def test_a_survey_passes_over_what_killed_writers_left(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    for name in ("film.mkv", "film.mkv#1", "two\nlines.mkv"):
        (incoming / name).write_bytes(b"film")
    found = await open_store(tmp_path.as_uri()).survey("incoming")
    assert [item.key for item in found.objects] == ["incoming/film.mkv"]
    assert found.unusable == ["incoming/two\\nlines.mkv"]


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


@pytest.fixture(params=servers())
def server(request: pytest.FixtureRequest, s3_server: Callable[[str], S3]) -> S3:
    return s3_server(request.param)


def bucket_of(server: S3, url: str = "s3://no-such-bucket", **others: object) -> ObjectStore:
    return open_store(url, StoreSettings.model_validate({"url": url, **server.settings, **others}))


async def test_a_bucket_that_is_not_there_is_no_empty_store(server: S3) -> None:
    store = bucket_of(server)
    with capture_logs() as lines:
        for call in (store.get("a"), store.get_range("a", 0, 1), store.list("a")):
            with pytest.raises(Unavailable):
                await call
    assert all(line["reason"].endswith(": NoSuchBucket") for line in lines)


async def test_wrong_keys_are_no_missing_objects_and_are_never_told(server: S3) -> None:
    store = bucket_of(server, secret_access_key="not the secret")
    with capture_logs() as lines, pytest.raises(Unavailable, match="does not answer"):
        await store.get("a")
    assert lines[0]["reason"].endswith(": SignatureDoesNotMatch")
    assert "not the secret" not in str(lines)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[S3]:
    """A server that a test may stop."""
    with s3(tmp_path) as running:
        yield running


async def test_a_store_that_hangs_is_unavailable_in_time_and_serves_when_it_goes_on(own_server: S3) -> None:
    settings = await asyncio.to_thread(new_store, own_server)
    patient = open_store(settings.url, settings)
    hasty = open_store(settings.url, settings.model_copy(update={"timeout_seconds": 0.3, "retries": 1}))
    await patient.put("a", b"1")
    os.kill(own_server.process, signal.SIGSTOP)
    async with within(5):
        with pytest.raises(Unavailable):
            await hasty.get("a")
    os.kill(own_server.process, signal.SIGCONT)
    assert await patient.get("a") == b"1"


async def test_a_store_that_is_away_is_unavailable(tmp_path: Path) -> None:
    settings = {"endpoint": "http://127.0.0.1:1", "access_key_id": "a", "secret_access_key": "b", "retries": 1}
    store = open_store("s3://films", StoreSettings.model_validate(settings))
    (tmp_path / "film").write_bytes(b"1")
    calls = (store.get("a"), store.put("a", b"2"), store.create("b", b"2"), store.list(""), store.delete(["a"]))
    for call in (*calls, store.put_file("a", tmp_path / "film"), store.head("a"), store.get_range("a", 0, 1)):
        with pytest.raises(Unavailable):
            await call


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
