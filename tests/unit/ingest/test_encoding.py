from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ingest.crew import Crew
from ingest.encoders import OwnEncoder
from ingest.encoding import Encoding, Piece, missing
from ingest.lease import Lease
from ingest.results import MANIFEST, Results
from ingest.stages import LeaseLost
from matinee.errors import SourceRefused
from matinee.executor import Check, OnSeconds
from matinee.settings import WorkerSettings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.jobs_pb2 import JobLease

pytestmark = pytest.mark.anyio


class Encoder:
    """Writes a piece's name as its content, and counts."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def piece(self, name: str, seconds: float = 10) -> Piece:
        def encode(film: Path, directory: Path, *limits: object, check: Check, on_seconds: OnSeconds) -> None:
            self.encoded.append(name)
            on_seconds(seconds / 2)
            (directory / "v234.mp4").write_text(name)

        return Piece(name, seconds, 1, encode)


@pytest.fixture
def store() -> ObjectStore:
    return open_store("memory://")


@pytest.fixture
def crew() -> Iterator[Crew]:
    with ThreadPoolExecutor(2) as executor:
        yield Crew(executor)


@pytest.fixture
def encoding(store: ObjectStore, crew: Crew, tmp_path: Path) -> Encoding:
    return encoding_with(store, crew, tmp_path)


def encoding_with(
    store: ObjectStore, crew: Crew, folder: Path, *, places: int = 2, lease_seconds: float = 60
) -> Encoding:
    """An encoding on this machine."""
    results, lease = Results(store, "upload"), Lease(JobLease(lease_seconds=lease_seconds))
    settings = WorkerSettings(executor=f"threads://{places}")
    return Encoding(results, OwnEncoder(crew, lease, results, settings, film=folder / "film", folder=folder), folder)


def files(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def ignore(part: float) -> None:
    """Nobody looks at the progress."""


def test_what_is_missing_is_what_has_no_result() -> None:
    pieces = [Encoder().piece(name) for name in "abcb"]
    assert [piece.digest for piece in missing(pieces, {"a"})] == ["b", "c"]


async def test_every_piece_is_encoded_once(encoding: Encoding) -> None:
    encoder = Encoder()
    pieces = [encoder.piece(name) for name in "abc"]
    await encoding.finish(pieces, ignore)
    await encoding.finish(pieces, ignore)
    assert sorted(encoder.encoded) == ["a", "b", "c"]


async def test_a_piece_begins_when_the_result_before_it_is_in_the_store(tmp_path: Path) -> None:
    stored = list[int]()

    def encode(film: Path, directory: Path, *limits: object, check: Check, on_seconds: OnSeconds) -> None:
        stored.append(len(list((tmp_path / "store").rglob(MANIFEST))))
        (directory / "v234.mp4").write_bytes(b"encoded")

    store = open_store((tmp_path / "store").as_uri())
    with ThreadPoolExecutor(2) as executor:
        encoding = encoding_with(store, Crew(executor), tmp_path / "scratch", places=1)
        await encoding.finish([Piece(name, 10, 1, encode) for name in "abcdef"], ignore)
    assert stored == [0, 1, 2, 3, 4, 5]


async def test_a_result_comes_back_from_the_store(encoding: Encoding) -> None:
    piece = Encoder().piece("a")
    await encoding.finish([piece], ignore)
    assert ((await encoding.collect(piece)) / "v234.mp4").read_text() == "a"


async def test_a_result_that_has_vanished_is_encoded_again(encoding: Encoding, store: ObjectStore) -> None:
    encoder = Encoder()
    piece = encoder.piece("a")
    await encoding.finish([piece], ignore)
    await store.delete(["spans/upload/a/v234.mp4"])
    assert ((await encoding.collect(piece)) / "v234.mp4").read_text() == "a"
    assert encoder.encoded == ["a", "a"]


async def test_progress_grows_from_what_is_there_to_one(encoding: Encoding) -> None:
    encoder, heard = Encoder(), list[float]()
    await encoding.finish([encoder.piece("a", 30)], ignore)
    await encoding.finish([encoder.piece("a", 30), encoder.piece("b", 10)], heard.append)
    assert heard == pytest.approx([0.875, 1.0])


async def test_nothing_is_left_in_scratch(encoding: Encoding, tmp_path: Path) -> None:
    await encoding.finish([Encoder().piece("a")], ignore)
    assert files(tmp_path) == []


async def test_one_refusal_stops_all(encoding: Encoding) -> None:
    def refuse(film: Path, directory: Path, *limits: object, check: Check, on_seconds: OnSeconds) -> None:
        raise SourceRefused("ffmpeg gave up")

    with pytest.raises(ExceptionGroup) as caught:
        await encoding.finish([Encoder().piece("a"), Piece("b", 1, 1, refuse)], ignore)
    assert caught.group_contains(SourceRefused)


async def test_nothing_is_kept_once_the_lease_is_lost(store: ObjectStore, crew: Crew, tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await encoding_with(store, crew, tmp_path, lease_seconds=0).finish([Encoder().piece("a")], ignore)
    assert caught.group_contains(LeaseLost)
    assert await store.list("spans") == []
