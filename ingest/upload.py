"""The client of `matinee ingest`: sends a film over tus 1.0.0, and goes on where it stopped, whoever was killed.

tuspy was considered, and is a client of the tests only: 1.1.0 waits for ever on an edge that hangs (its requests have
no timeout), connects anew for every chunk, retries refusals as it does lost connections, and hides the headers that
name the title and the job.
"""

import hashlib
import json
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx

from ingest.tus import OnBytes, TusClient
from matinee.declaration import LONGEST_FILE_NAME
from matinee.errors import InvalidInput, NotFound, Unavailable
from matinee.small_files import write_whole

CHUNK_BYTES = 8 * 1024**2
DELAYS = (0.2, 0.5, 1, 2, 4, 8, 8, 8)
"""Seconds to wait before each new attempt; they begin again when bytes have arrived."""
TIMEOUT = httpx.Timeout(60, connect=10)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
CONTROL = {"Cc", "Zl", "Zp"}
"""What Unicode calls control characters, and its line and paragraph separators."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a film became."""

    title_id: str
    job_id: str


def upload(
    path: Path,
    *,
    url: str,
    auth: httpx.Auth,
    title: str,
    memory: Path,
    title_id: str = "",
    on_progress: OnBytes = lambda _: None,
    on_hashed: OnBytes = lambda _: None,
) -> Uploaded:
    """Send a film to the instance at `url`; continue an upload of the same bytes that was cut off.

    It becomes a title of its own, or a new version of the title `title_id`.

    `auth` signs the requests, and may have one sent again. `memory` is the folder in which unfinished uploads are
    remembered. `on_hashed` hears how many bytes have been hashed, which comes first, and `on_progress` how many have
    been sent. Raises `InvalidInput` when the film or its title is refused, `Unauthenticated`, `PermissionDenied`,
    `NotFound` when somebody terminated the upload, and `Unavailable` when nothing has arrived for half a minute.
    """
    if any(unicodedata.category(char) in CONTROL for char in title):
        raise InvalidInput(f"the title {title!r} has control characters; give another with --title")
    with _opened(path) as file:
        film = Film(file, path.stat().st_size, _sha256(file, on_hashed))
        if film.size == 0:
            raise InvalidInput(f"{path} is empty")
        note = Note(memory, url, title_id or title, film.sha256)
        # A proxy has no way to an instance on this machine.
        trust_env = httpx.URL(url).host not in LOOPBACK
        with httpx.Client(base_url=url, auth=auth, timeout=TIMEOUT, trust_env=trust_env) as http:
            metadata = {"filename": readable(path.name), "title": title, "sha256": film.sha256}
            metadata |= {"title_id": title_id} if title_id else {}
            return Sending(TusClient(http), film, metadata, note, on_progress).run()


def readable(name: str) -> str:
    """A file name as an instance takes it: in one line, without control characters, and not too long."""
    return "".join(" " if unicodedata.category(char) in CONTROL else char for char in name)[:LONGEST_FILE_NAME]


@dataclass(frozen=True)
class Film:
    """A file with its size in bytes and the hex SHA-256 of its content."""

    file: BinaryIO
    size: int
    sha256: str

    def chunk(self, offset: int) -> bytes:
        """The next bytes to send. Raises `InvalidInput` when the file has become shorter."""
        self.file.seek(offset)
        length = min(CHUNK_BYTES, self.size - offset)
        chunk = self.file.read(length)
        if len(chunk) < length:
            raise InvalidInput(f"{self.file.name} has changed while it was uploaded")
        return chunk


class Note:
    """Remembers the address of an unfinished upload of these bytes, under this title, to this instance."""

    def __init__(self, memory: Path, url: str, title: str, sha256: str) -> None:
        key = hashlib.sha256(json.dumps([url, title, sha256]).encode()).hexdigest()
        self._path = memory / f"{key}.json"

    def read(self) -> str | None:
        """The address, if there is one."""
        try:
            return str(json.loads(self._path.read_text())["upload"])
        except (OSError, ValueError, KeyError):
            return None

    def write(self, address: str) -> None:
        """Remember the address, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._path, json.dumps({"upload": address}))

    def remove(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)


class Sending:
    """One film on its way to one server."""

    def __init__(
        self, client: TusClient, film: Film, metadata: Mapping[str, str], note: Note, on_progress: OnBytes
    ) -> None:
        self._client = client
        self._film = film
        self._metadata = metadata
        self._note = note
        self._on_progress = on_progress
        self._arrived = 0

    def run(self) -> Uploaded:
        """Attempt until all bytes have arrived; give up when several attempts in a row have brought none."""
        failures = 0
        while True:
            before = self._arrived
            try:
                return self._attempt()
            except Unavailable as error:
                failures = 1 if self._arrived > before else failures + 1
                if failures > len(DELAYS):
                    raise Unavailable(f"the upload stopped, and the same command continues it: {error}") from error
                time.sleep(DELAYS[failures - 1])

    def _attempt(self) -> Uploaded:
        address, answer = self._begin()
        while (offset := int(answer.headers["Upload-Offset"])) < self._film.size:
            self._arrived = max(self._arrived, offset)
            answer = self._client.patch(address, offset, self._film.chunk(offset), partial(self._tell, offset))
        self._note.remove()
        return Uploaded(answer.headers["Matinee-Title-Id"], answer.headers["Matinee-Job-Id"])

    def _tell(self, offset: int, sent: int) -> None:
        self._on_progress(offset + sent)

    def _begin(self) -> tuple[str, httpx.Response]:
        """The address of the upload and where it stands: the remembered one, or a new one."""
        if address := self._note.read():
            try:
                return address, self._client.head(address)
            except NotFound:
                self._note.remove()
        address = self._client.create(self._film.size, self._metadata)
        self._note.write(address)
        return address, self._client.head(address)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _sha256(file: BinaryIO, on_hashed: OnBytes) -> str:
    digest, done = hashlib.sha256(), 0
    while block := file.read(CHUNK_BYTES):
        digest.update(block)
        done += len(block)
        on_hashed(done)
    return digest.hexdigest()
