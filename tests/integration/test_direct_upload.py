"""Large films on their way straight to the bucket, from the command line to a job."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal

from ingest.outgoing import Uploaded
from ingest.upload import upload
from matinee.bearer import Bearer
from matinee.errors import NotFound
from matinee.settings import StoreSettings
from matinee.storage.opening import open_store
from tests.buckets import as_environment, new_store
from tests.services.faults import Faults, faulty
from tests.services.s3 import S3, servers
from tests.stack import ROOT, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MIB = 1024**2
PART = 5 * MIB
LIMITS = {"UPLOADS__DIRECT_BYTES": str(2 * PART), "UPLOADS__PART_BYTES": str(PART)}
PARTS = 8
CLIENT = f"""
import signal, sys
from pathlib import Path
from ingest.upload import upload
from matinee.bearer import Bearer

def pause_in_the_middle(done):
    if done > {20 * MIB}:
        print(done, flush=True)
        signal.pause()

film, url, token, memory = sys.argv[1:]
upload(
    Path(film), url=url, auth=Bearer(token), title="Sita", memory=Path(memory), on_progress=pause_in_the_middle
)
"""


@dataclass
class House:
    """A house whose clients reach the bucket by a way of their own, on which things may go wrong."""

    stack: Stack
    store: StoreSettings
    way: Faults

    @property
    def auth(self) -> Bearer:
        return Bearer(self.token())

    def token(self) -> str:
        credential = {"email": self.stack.email, "password": self.stack.password}
        with httpx.Client(trust_env=False, base_url=self.stack.url) as client:
            return str(client.post("/api/v1/auth:login", json=credential).json()["access_token"])

    def send(self, film: Path, memory: Path, **changes: object) -> Uploaded:
        given = {"url": self.stack.url, "auth": self.auth, "title": film.stem, "memory": memory, **changes}
        return upload(film, **given)  # type: ignore[arg-type]

    def sizes(self, prefix: str = "uploads") -> dict[str, int]:
        """What lies in the bucket."""
        return {item.key: item.size for item in anyio.run(open_store(self.store.url, self.store).list, prefix)}

    def holds(self, film: Path) -> bool:
        """Whether a film lies in the bucket as one object."""
        keys = [key for key, size in self.sizes().items() if size == film.stat().st_size]
        store = open_store(self.store.url, self.store)
        return film.read_bytes() in [anyio.run(store.get, key) for key in keys]


def told(store: StoreSettings) -> dict[str, str]:
    """The settings of such a house. Bytes at random are no film: without a worker they stay as they came."""
    reached = {name.removeprefix("MATINEE_"): value for name, value in as_environment(store).items()}
    return {**reached, **LIMITS, "WORKER__POLL_SECONDS": "3600"}


@pytest.fixture(scope="module", params=servers())
def house(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    s3_server: Callable[[str], S3],
    portal: BlockingPortal,
) -> Iterator[House]:
    store, way = new_store(s3_server(request.param)), Faults()
    with portal.wrap_async_context_manager(faulty(store.endpoint, way)) as endpoint:
        store = store.model_copy(update={"public_endpoint": endpoint})
        with running_stack(tmp_path_factory.mktemp("house") / "data", port=0, **told(store)) as stack:
            yield House(stack, store, way)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / f"{tmp_path.name}.mkv"
    path.write_bytes(os.urandom((PARTS - 1) * PART + 4321))
    return path


def test_a_large_film_goes_straight_to_the_bucket(house: House, film: Path, tmp_path: Path) -> None:
    house.way.begin()
    heard = list[int]()
    made = house.send(film, tmp_path / "memory", on_progress=heard.append)
    assert house.way.seen["requests"] == PARTS
    assert house.holds(film)
    assert heard[-1] == film.stat().st_size
    assert not list((tmp_path / "memory").iterdir())
    with httpx.Client(trust_env=False, base_url=house.stack.url, auth=house.auth) as client:
        job = client.get(f"/api/v1/jobs/{made.job_id}").json()["job"]
    assert (job["title_id"], job["title_name"], job["file_name"]) == (made.title_id, film.stem, film.name)


def test_a_small_film_goes_through_the_edge(house: House, film: Path, tmp_path: Path) -> None:
    house.way.begin()
    os.truncate(film, PART)
    house.send(film, tmp_path / "memory")
    assert house.way.seen["requests"] == 0


def test_parts_that_fail_are_sent_again(house: House, film: Path, tmp_path: Path) -> None:
    house.way.begin(errors=0.2, lost=0.1)
    house.send(film, tmp_path / "memory")
    house.way.begin()
    assert house.holds(film)
    assert house.way.past["errors"] + house.way.past["lost"] > 0


def test_an_upload_goes_on_after_the_client_was_killed(house: House, film: Path, tmp_path: Path) -> None:
    house.way.begin()
    command = [sys.executable, "-c", CLIENT, str(film), house.stack.url, house.token(), str(tmp_path / "memory")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        assert int(client.stdout.readline()) > 20 * MIB
        client.kill()
    house.way.begin()
    house.send(film, tmp_path / "memory", title="Sita")
    assert 0 < house.way.seen["requests"] < PARTS
    assert house.holds(film)


def test_an_upload_that_somebody_gives_up_ends_and_can_be_begun_again(house: House, film: Path, tmp_path: Path) -> None:
    def give_up(done: int) -> None:
        if done == PART:
            [record] = house.sizes("direct").keys() - before
            path = f"/api/v1/uploads/{record.partition('/')[2]}"
            with httpx.Client(trust_env=False, base_url=house.stack.url, auth=house.auth) as client:
                assert client.delete(path).is_success

    before = house.sizes("direct").keys()
    with pytest.raises(NotFound):
        house.send(film, tmp_path / "memory", on_progress=give_up)
    house.send(film, tmp_path / "memory")
    assert house.holds(film)


def test_where_clients_do_not_reach_the_bucket_a_film_goes_through_the_edge(
    house: House, film: Path, tmp_path: Path
) -> None:
    away = house.store.model_copy(update={"public_endpoint": "http://127.0.0.1:1"})
    with running_stack(tmp_path / "data", port=0, **told(away)) as stack:
        other = House(stack, away, Faults())
        before = house.sizes("direct")
        assert other.send(film, tmp_path / "memory").job_id
        assert house.sizes("direct") == before


def test_the_example_of_the_documentation_uploads(house: House, film: Path) -> None:
    house.way.begin()
    page = (ROOT / "docs" / "ingest.md").read_text().partition("### Straight to the bucket")[2]
    example = page.partition("```python\n")[2].partition("```")[0]
    setting = f'token = "{house.token()}"\n'
    told = example.replace("https://films.example", house.stack.url).replace('"film.mkv"', repr(str(film)))
    told = told.replace("httpx.Client(", "httpx.Client(trust_env=False, ").replace(
        "httpx.put(", "httpx.Client(trust_env=False).put("
    )
    said = subprocess.run(
        [sys.executable, "-c", setting + told], capture_output=True, text=True, check=False, timeout=120
    )
    assert said.returncode == 0, said.stderr
    assert "job_id" in said.stdout
    assert house.holds(film)
