"""Uploads that survive: the edge or the client killed in the middle, and clients that are not ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.from_thread import BlockingPortal

from ingest.outgoing import Uploaded
from ingest.upload import upload
from matinee.bearer import Bearer
from matinee.settings import StoreSettings
from matinee.storage.opening import open_store
from tests.buckets import as_environment, new_store
from tests.door import listen
from tests.patience import wait_until
from tests.services.s3 import S3
from tests.uploads import Control, make_control, uploaded

pytestmark = pytest.mark.integration

MIB = 1024**2
CLIENT = f"""
import signal, sys
from pathlib import Path
from ingest.upload import upload
from matinee.bearer import Bearer

def pause_in_the_middle(done):
    if done > {19 * MIB}:
        print(done, flush=True)
        signal.pause()

film, url, token, memory = sys.argv[1:]
upload(
    Path(film), url=url, auth=Bearer(token), title="Sita", memory=Path(memory), on_progress=pause_in_the_middle
)
"""

TUSPY = """
import sys
from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage
film, url, token, memory, limit = sys.argv[1:]
client = TusClient(f"{url}/uploads", headers={"Authorization": f"Bearer {token}"})
uploader = client.uploader(
    film, chunk_size=5 * 1024**2, metadata={"filename": "film.mkv", "title": "Sita"}, upload_checksum=True,
    store_url=True, url_storage=FileStorage(memory),
)
began_at = uploader.offset
uploader.upload(stop_at=int(limit) or None)
print(began_at, uploader.request.response_headers.get("matinee-title-id"))
"""
HALVES = (str(15 * MIB), "0")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.mkv"
    path.write_bytes(os.urandom(40 * MIB + 321))
    return path


@pytest.fixture
def control(portal: BlockingPortal) -> Iterator[Control]:
    control = make_control()
    with portal.wrap_async_context_manager(control.running()):
        yield control


class Edge:
    """An edge in a process of its own, which can be killed and started again; who connects meanwhile waits for it."""

    def __init__(self, control: Control, store: StoreSettings) -> None:
        self._store = store
        self.listener = listen()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self._command = [sys.executable, "-m", "tests.uploads", control.address, store.url]
        self._environment = os.environ | as_environment(store)
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        listener = self.listener.fileno()
        self._process = subprocess.Popen([*self._command, str(listener)], pass_fds=[listener], env=self._environment)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wait_for(self, size: int) -> None:
        """Until so many bytes lie in the store."""
        wait_until(lambda: sum(map(len, self.films())) >= size)

    def films(self) -> list[bytes]:
        return list(anyio.run(uploaded, open_store(self._store.url, self._store)).values())


@pytest.fixture(params=["file", "seaweedfs"])
def edge(
    request: pytest.FixtureRequest, control: Control, tmp_path: Path, s3_server: Callable[[str], S3]
) -> Iterator[Edge]:
    folder = StoreSettings(url=(tmp_path / "objects").as_uri())
    edge = Edge(control, folder if request.param == "file" else new_store(s3_server(request.param)))
    edge.start()
    yield edge
    edge.kill()
    edge.listener.close()


def test_an_upload_goes_on_after_the_edge_was_killed(edge: Edge, control: Control, film: Path, tmp_path: Path) -> None:
    sent_later = list[int]()

    def kill_in_the_middle(done: int) -> None:
        if edge.starts == 2:
            sent_later.append(done)
        elif done > 19 * MIB:
            edge.kill()
            edge.start()

    result = upload(
        film, url=edge.url, auth=Bearer(control.token()), title="Sita", memory=tmp_path, on_progress=kill_in_the_middle
    )
    assert result == Uploaded("title-0", "job-0")
    assert edge.films() == [film.read_bytes()]
    assert min(sent_later) > 16 * MIB


def test_an_upload_goes_on_after_the_client_was_killed(
    edge: Edge, control: Control, film: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", CLIENT, str(film), edge.url, control.token(), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        assert int(client.stdout.readline()) > 19 * MIB
        client.kill()
    sent = list[int]()
    upload(film, url=edge.url, auth=Bearer(control.token()), title="Sita", memory=tmp_path, on_progress=sent.append)
    assert sent[0] > 16 * MIB
    assert edge.films() == [film.read_bytes()]


def test_an_edge_that_was_killed_keeps_the_whole_parts_of_one_long_request(
    edge: Edge, control: Control, film: Path
) -> None:
    content = film.read_bytes()
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {control.token()}"}
    described = {**headers, "Upload-Length": str(len(content)), "Upload-Metadata": "title U2l0YQ=="}
    with httpx.Client(base_url=edge.url, trust_env=False) as client:
        address = client.post("/uploads", headers=described).headers["Location"]

        def body() -> Iterator[bytes]:
            for start in range(0, len(content), 64 * 1024):
                if start > 20 * MIB:
                    edge.wait_for(15 * MIB)
                    edge.kill()
                yield content[start : start + 64 * 1024]

        patch = {**headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        with pytest.raises(httpx.TransportError):
            client.patch(address, headers=patch, content=body())
        edge.start()
        offset = int(client.head(address, headers=headers).headers["Upload-Offset"])
        assert 15 * MIB <= offset <= 20 * MIB + 64 * 1024
        rest = {**patch, "Upload-Offset": str(offset)}
        assert client.patch(address, headers=rest, content=content[offset:]).status_code == 204
    assert edge.films() == [content]


def test_tuspy_uploads_and_resumes(edge: Edge, control: Control, film: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TUSPY, str(film), edge.url, control.token(), str(tmp_path / "tus.json")]
    said = [subprocess.run([*command, limit], check=True, capture_output=True, text=True).stdout for limit in HALVES]
    assert said == [f"{0} None\n", f"{15 * MIB} title-0\n"]
    assert edge.films() == [film.read_bytes()]
    assert [request.title_name for request in control.completed.values()] == ["Sita"]
