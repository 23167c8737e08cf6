"""The upload client against a real edge over loopback HTTP."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.outgoing import Uploaded
from ingest.tus import CHUNK_BYTES
from ingest.upload import readable, upload
from matinee.bearer import Bearer
from matinee.errors import InvalidInput, NotFound, PermissionDenied, Unauthenticated, Unavailable
from matinee.storage.opening import open_store
from tests.door import listen
from tests.uploads import make_control, make_settings, running_edge, uploaded

SIZE = 2 * CHUNK_BYTES + 12_345


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "Sita Sings.mkv"
    path.write_bytes(os.urandom(SIZE))
    return path


class House:
    """Control and an edge in a thread of their own."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.portal = portal
        self.control = make_control()
        self.store = open_store("memory://")
        self.listener = listen()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def films(self) -> list[bytes]:
        return list(self.portal.call(uploaded, self.store).values())


class BadNetwork:
    """Flips a bit in the first body that passes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._flipped = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def flipping() -> Message:
            message = await receive()
            if message.get("body") and not self._flipped:
                self._flipped = True
                message["body"] = bytes([message["body"][0] ^ 1]) + message["body"][1:]
            return message

        await self._app(scope, flipping, send)


class Expiry:
    """Loses the token of the first chunk that passes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lost = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "PATCH" and not self._lost:
            self._lost = True
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
        await self._app(scope, receive, send)


@pytest.fixture
def house(request: pytest.FixtureRequest, portal: BlockingPortal) -> Iterator[House]:
    house = House(portal)
    settings = make_settings(part_bytes=3 * 1024**2)
    through = getattr(request, "param", lambda app: app)
    with portal.wrap_async_context_manager(house.control.running()):
        edge = running_edge(house.control.address, house.store, settings, house.listener, through)
        with portal.wrap_async_context_manager(edge):
            yield house


def send(house: House, film: Path, memory: Path, **changes: object) -> Uploaded:
    choices = {"url": house.url, "auth": Bearer(house.control.token()), "title": "Sita", "memory": memory, **changes}
    return upload(film, **choices)  # type: ignore[arg-type]


def test_a_film_arrives_with_its_names_and_its_hash(house: House, film: Path, tmp_path: Path) -> None:
    assert send(house, film, tmp_path) == Uploaded("title-0", "job-0")
    assert house.films() == [film.read_bytes()]
    [request] = house.control.completed.values()
    assert (request.title_name, request.file_name, request.size_bytes) == ("Sita", "Sita Sings.mkv", SIZE)
    assert len(request.sha256) == 64


def test_progress_grows_to_the_size_first_of_hashing_then_of_sending(house: House, film: Path, tmp_path: Path) -> None:
    hashed, sent = list[int](), list[int]()
    send(house, film, tmp_path, on_hashed=hashed.append, on_progress=sent.append)
    for steps in (hashed, sent):
        assert steps == sorted(steps)
        assert steps[-1] == SIZE
    assert len(sent) > 50


def test_nothing_is_remembered_of_a_finished_upload(house: House, film: Path, tmp_path: Path) -> None:
    send(house, film, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert send(house, film, tmp_path).title_id == "title-1"


class Stopped(Exception):
    """The person pressed Ctrl-C."""


def stop_at(limit: int) -> object:
    def on_progress(done: int) -> None:
        if done >= limit:
            raise Stopped

    return on_progress


def test_an_upload_that_was_cut_off_goes_on_where_it_stopped(house: House, film: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        send(house, film, tmp_path, on_progress=stop_at(CHUNK_BYTES + 1))
    sent = list[int]()
    assert send(house, film, tmp_path, on_progress=sent.append) == Uploaded("title-0", "job-0")
    assert sent[0] > CHUNK_BYTES
    assert house.films() == [film.read_bytes()]


def test_another_title_is_another_upload(house: House, film: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        send(house, film, tmp_path, on_progress=stop_at(CHUNK_BYTES + 1))
    send(house, film, tmp_path, title="Other")
    assert len(house.films()) == 2


def test_an_upload_that_the_server_forgot_begins_again(house: House, film: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        send(house, film, tmp_path, on_progress=stop_at(CHUNK_BYTES + 1))
    house.portal.call(house.store.delete_prefix, "uploads")
    assert send(house, film, tmp_path) == Uploaded("title-0", "job-0")


@pytest.mark.parametrize("house", [BadNetwork], indirect=True)
def test_bytes_that_change_on_the_way_are_sent_again(house: House, film: Path, tmp_path: Path) -> None:
    send(house, film, tmp_path)
    assert house.films() == [film.read_bytes()]


def test_a_token_that_expires_on_the_way_is_renewed(house: House, film: Path, tmp_path: Path) -> None:
    refused = list[str]()

    def renew(token: str) -> str:
        refused.append(token)
        return house.control.token()

    old = house.control.token(life=-1)
    send(house, film, tmp_path, auth=Bearer(old, renew))
    assert refused == [old]
    assert house.films() == [film.read_bytes()]


@pytest.mark.parametrize("house", [Expiry], indirect=True)
def test_a_chunk_whose_token_is_refused_is_sent_again_with_another(house: House, film: Path, tmp_path: Path) -> None:
    token = house.control.token()
    send(house, film, tmp_path, auth=Bearer(token, lambda refused: token))
    assert house.films() == [film.read_bytes()]


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"auth": Bearer("a.b.c")}, Unauthenticated, "token"),
        ({"title": "x" * 201}, InvalidInput, "a title may have 200 characters"),
    ],
)
def test_refusals_come_with_the_servers_sentence(
    house: House, film: Path, tmp_path: Path, changes: dict[str, object], *, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        send(house, film, tmp_path, **changes)


def test_a_file_whose_name_has_control_characters_is_sent_under_a_readable_one(
    house: House, film: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "two\nlines\x1b[31m\u2028.mkv"
    odd.symlink_to(film)
    send(house, odd, tmp_path / "memory")
    [request] = house.control.completed.values()
    assert (request.title_name, request.file_name) == ("Sita", "two lines [31m .mkv")


def test_a_file_name_is_cut_to_what_a_server_takes() -> None:
    assert readable("x" * 300) == "x" * 255


@pytest.mark.parametrize("title", ["two\nlines", "bell\a", "\u2028"])
def test_a_title_with_control_characters_is_refused_with_what_to_do(film: Path, tmp_path: Path, title: str) -> None:
    with pytest.raises(InvalidInput, match="has control characters; give another with --title") as caught:
        upload(film, url="http://127.0.0.1:9", auth=Bearer("t"), title=title, memory=tmp_path)
    assert str(caught.value).isprintable()


def test_a_viewer_may_not_upload(house: House, film: Path, tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match="publishers"):
        send(house, film, tmp_path, auth=Bearer(house.control.token(role="viewer")))


def test_an_upload_that_somebody_terminates_ends(house: House, film: Path, tmp_path: Path) -> None:
    def on_progress(done: int) -> None:
        if done == CHUNK_BYTES:
            house.portal.call(house.store.delete_prefix, "uploads")

    with pytest.raises(NotFound):
        send(house, film, tmp_path, on_progress=on_progress)


def test_a_server_that_stays_away_is_reported_in_one_sentence(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.exchange.DELAYS", (0.01, 0.01))
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(Unavailable, match="the same command continues it") as caught:
            upload(film, url=url, auth=Bearer("t"), title="Sita", memory=tmp_path)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_a_film_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mkv"
    empty.touch()
    for path, sentence in ((empty, "is empty"), (tmp_path / "absent", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidInput, match=sentence):
            upload(path, url="http://127.0.0.1:9", auth=Bearer("t"), title="Sita", memory=tmp_path)
