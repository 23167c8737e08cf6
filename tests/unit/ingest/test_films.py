"""Films that the workers of one machine share."""

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from ingest.films import Films
from matinee.errors import Cancelled, DataLoss
from matinee.executor import unchecked
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease
from tests.stopping import stopping

FILM = bytes(range(256)) * 40
SHA256 = hashlib.sha256(FILM).hexdigest()


@pytest.fixture
def store() -> ObjectStore:
    store = open_store("memory://")
    for name in "ab":
        asyncio.run(store.put(f"uploads/{name}/{0:016d}", FILM))
    return store


def terms(upload_id: str) -> JobLease:
    return JobLease(upload_id=upload_id, size_bytes=len(FILM), sha256=SHA256)


def there(root: Path) -> set[str]:
    """The uploads whose film lies here."""
    return {film.parent.name for film in root.glob("*/film")}


def test_a_film_is_fetched_once(tmp_path: Path, store: ObjectStore) -> None:
    films = Films(tmp_path, store)
    film = films.fetch(terms("a"), unchecked)
    assert film.read_bytes() == FILM
    asyncio.run(store.delete_prefix("uploads"))
    assert films.fetch(terms("a"), unchecked) == film


def test_another_worker_uses_the_same_copy(tmp_path: Path, store: ObjectStore) -> None:
    first, second = Films(tmp_path, store), Films(tmp_path, store)
    film = first.fetch(terms("a"), unchecked)
    asyncio.run(store.delete_prefix("uploads"))
    assert second.fetch(terms("a"), unchecked) == film


def test_a_copy_stays_as_long_as_somebody_uses_it(tmp_path: Path, store: ObjectStore) -> None:
    first, second = Films(tmp_path, store), Films(tmp_path, store)
    first.fetch(terms("a"), unchecked)
    second.fetch(terms("a"), unchecked)
    first.sweep()
    assert there(tmp_path) == {"a"}
    second.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_film_goes_when_another_is_asked_for(tmp_path: Path, store: ObjectStore) -> None:
    films = Films(tmp_path, store)
    films.fetch(terms("a"), unchecked)
    films.fetch(terms("b"), unchecked)
    assert there(tmp_path) == {"b"}


def test_of_many_who_need_a_film_at_once_all_get_it_whole(tmp_path: Path, store: ObjectStore) -> None:
    found: list[bytes] = []

    def fetch() -> None:
        found.append(Films(tmp_path, store).fetch(terms("a"), unchecked).read_bytes())

    workers = [threading.Thread(target=fetch) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [FILM] * 4


def test_a_fetch_can_be_stopped_and_leaves_nothing_that_counts(tmp_path: Path, store: ObjectStore) -> None:
    films = Films(tmp_path, store)
    with pytest.raises(Cancelled):
        films.fetch(terms("a"), stopping(after=1))
    assert there(tmp_path) == set()
    assert films.fetch(terms("a"), unchecked).read_bytes() == FILM


def test_a_film_that_is_gone_from_the_store_is_told(tmp_path: Path, store: ObjectStore) -> None:
    with pytest.raises(DataLoss):
        Films(tmp_path, store).fetch(terms("c"), unchecked)
