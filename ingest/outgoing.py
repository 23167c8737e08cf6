"""What an upload client has at hand: the film, what is remembered of its upload, and what that becomes."""

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.exchange import OnBytes
from matinee.errors import InvalidInput
from matinee.small_files import write_whole

BLOCK_BYTES = 8 * 1024**2
PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a film became."""

    title_id: str
    job_id: str


@dataclass(frozen=True)
class Film:
    """A file with its size in bytes and the hex SHA-256 of its content; may be read by several threads."""

    file: BinaryIO
    size: int
    sha256: str

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes, or those that remain. Raises `InvalidInput` when the file has become shorter."""
        length = min(length, self.size - offset)
        data = os.pread(self.file.fileno(), length, offset)
        if len(data) < length:
            raise InvalidInput(f"{self.file.name} has changed while it was uploaded")
        return data


@dataclass(frozen=True)
class Stretch:
    """A part of a film as a body that tells how much of it has gone; every time that it is sent begins at its start.

    `on_sent` may raise, which ends the request.
    """

    film: Film
    offset: int
    size: int
    on_sent: OnBytes = lambda _: None

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, self.size, PIECE_BYTES):
            piece = self.film.read(self.offset + start, min(PIECE_BYTES, self.size - start))
            yield piece
            self.on_sent(start + len(piece))

    def sha256(self) -> str:
        """The Base64 of its SHA-256."""
        digest = hashlib.sha256()
        for start in range(0, self.size, BLOCK_BYTES):
            digest.update(self.film.read(self.offset + start, min(BLOCK_BYTES, self.size - start)))
        return b64encode(digest.digest()).decode()


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


def opened(path: Path) -> BinaryIO:
    """The file of a film. Raises `InvalidInput`."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def measured(file: BinaryIO, on_hashed: Callable[[int], None]) -> Film:
    """The film in a file; `on_hashed` hears how many bytes have been read."""
    digest, done = hashlib.sha256(), 0
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
        done += len(block)
        on_hashed(done)
    return Film(file, done, digest.hexdigest())
