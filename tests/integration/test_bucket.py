"""A house whose objects lie in a bucket: on a good day, and when the S3 server or the way to it is bad."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal

from matinee.settings import StoreSettings
from matinee.storage.opening import open_store
from tests.buckets import as_environment, new_store
from tests.films import film
from tests.patience import wait_until
from tests.services.faults import Faults, faulty
from tests.services.s3 import S3, servers
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

QUICK = {"LADDER__PRESET": "ultrafast", "LADDER__HEIGHTS": "[180]", "WORKER__EXECUTOR": "threads://2"}
SEGMENT = 16 * 1024
NOT_CACHED = {"EDGE__BLOCK_BYTES": str(SEGMENT), "EDGE__CACHE_BYTES": str(SEGMENT)}
BAD_WAYS = {
    "20 % errors": {"errors": 0.2},
    "20 % lost answers": {"lost": 0.2},
    "20 % cut bodies": {"cut": 0.2},
    "20 % slow bodies": {"slow": 0.2},
    "some of each": {"errors": 0.1, "lost": 0.05, "cut": 0.05, "slow": 0.1},
}


@dataclass
class BadHouse:
    """A house with bad ways to its bucket; `store` is reached by a good one."""

    stack: Stack
    store: StoreSettings
    faults: Faults


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "film.mp4", seconds=12)


@pytest.fixture(scope="module")
def bad_house(
    tmp_path_factory: pytest.TempPathFactory, s3_server: Callable[[str], S3], portal: BlockingPortal
) -> Iterator[BadHouse]:
    store, faults = new_store(s3_server("seaweedfs")), Faults(bytes_per_second=200_000)
    with portal.wrap_async_context_manager(faulty(store.endpoint, faults)) as endpoint:
        behind = store.model_copy(update={"endpoint": endpoint})
        with house(tmp_path_factory.mktemp("bad") / "data", behind, **NOT_CACHED) as stack:
            yield BadHouse(stack, store, faults)


@contextmanager
def house(data: Path, store: StoreSettings, **others: str) -> Iterator[Stack]:
    """`matinee up` with its objects in a bucket."""
    told = {name.removeprefix("MATINEE_"): value for name, value in as_environment(store).items()}
    with running_stack(data, port=0, **(told | QUICK | others)) as stack:
        yield stack


def keys(store: StoreSettings, prefix: str) -> list[str]:
    return [found.key for found in anyio.run(open_store(store.url, store).list, prefix)]


def video(stack: Stack, store: StoreSettings, title_id: str) -> tuple[str, bytes]:
    """The signed address of a video track, and the bytes that lie in the bucket."""
    folder = stack.play(title_id)["hls"].removesuffix("main.m3u8")
    asset_id = folder.partition("/v/")[2].partition(";")[0]
    [key] = [key for key in keys(store, f"assets/{asset_id}") if Path(key).name.startswith("v")]
    return folder + Path(key).name, anyio.run(open_store(store.url, store).get, key)


def ranges(url: str, spans: list[tuple[int, int]]) -> list[httpx.Response]:
    """What comes for each pair of a first and a last byte."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        return [client.get(url, headers={"Range": f"bytes={first}-{last}"}) for first, last in spans]


@pytest.mark.parametrize("server", servers())
def test_a_film_goes_through_a_bucket(
    tmp_path: Path, s3_server: Callable[[str], S3], source: Path, server: str
) -> None:
    store = new_store(s3_server(server))
    with house(tmp_path / "data", store) as stack:
        title_id = stack.ingest(source, "Sita")
        url, stored = video(stack, store, title_id)
        spans = [(0, 0), (0, SEGMENT - 1), (len(stored) // 2, len(stored) - 1)]
        for (first, last), answer in zip(spans, ranges(url, spans), strict=True):
            assert (answer.status_code, answer.content) == (206, stored[first : last + 1])
        assert not (stack.data / "objects").exists()
        assert stack.matinee("titles", "delete", title_id, "--force").returncode == 0
        wait_until(lambda: not any(keys(store, prefix) for prefix in ("assets", "uploads", "spans")))


@pytest.mark.parametrize("server", servers())
def test_films_that_go_straight_to_the_bucket_and_that_are_dropped_there_can_be_played(
    tmp_path: Path, s3_server: Callable[[str], S3], source: Path, server: str
) -> None:
    store = new_store(s3_server(server))
    store = store.model_copy(update={"public_endpoint": store.endpoint})
    ways = {"UPLOADS__DIRECT_BYTES": "1", "INCOMING__ACCOUNT": "admin@matinee.local", "INCOMING__POLL_SECONDS": "1"}
    with house(tmp_path / "data", store, **ways) as stack:
        sent = stack.ingest(source, "Sent")
        assert keys(store, "direct")
        anyio.run(open_store(store.url, store).put_file, "incoming/Dropped.mp4", source)
        wait_until(lambda: not keys(store, "incoming"), reproach=stack.log)
        titles = json.loads(stack.matinee("titles", "--json").stdout)
        [dropped] = [title["title_id"] for title in titles if title["name"] == "Dropped"]
        tracks = [video(stack, store, title_id) for title_id in (sent, dropped)]
        for url, stored in tracks:
            assert ranges(url, [(0, len(stored) - 1)])[0].content == stored
        assert not keys(store, "uploads")


@pytest.mark.parametrize("shares", BAD_WAYS.values(), ids=BAD_WAYS.keys())
def test_a_film_is_ingested_and_played_over_a_bad_way(
    bad_house: BadHouse, source: Path, shares: dict[str, float]
) -> None:
    bad_house.faults.begin(**shares)
    title_id = bad_house.stack.ingest(source, "Sita")
    url, stored = video(bad_house.stack, bad_house.store, title_id)
    answers = ranges(url, [(first, first + SEGMENT - 1) for first in range(0, len(stored), SEGMENT)])
    bad_house.faults.begin()
    assert {answer.status_code for answer in answers} == {206}
    assert b"".join(answer.content for answer in answers) == stored
    seen = bad_house.faults.past
    assert all(seen[name] for name in shares), f"nothing went wrong: {seen}"


def test_a_store_that_is_away_is_told_and_nothing_breaks(bad_house: BadHouse, source: Path) -> None:
    title_id = bad_house.stack.ingest(source, "Sita")
    url, stored = video(bad_house.stack, bad_house.store, title_id)
    bad_house.faults.begin(errors=1)
    with httpx.Client(trust_env=False, timeout=60) as client:
        assert "store: the object store does not answer" in client.get(f"{bad_house.stack.url}/readyz").text
        [refused] = ranges(url, [(0, len(stored) - 1)])
        assert refused.status_code == 503
        assert refused.json()["detail"] == "the object store does not answer; try again"
        bad_house.faults.begin()
        wait_until(lambda: client.get(f"{bad_house.stack.url}/readyz").is_success)
    assert ranges(url, [(0, len(stored) - 1)])[0].content == stored
