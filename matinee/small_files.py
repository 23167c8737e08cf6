"""Small files that other processes read: at any moment there whole, or not there; readable by their owner only."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Make a file, or put one in the place of another."""
    with _draft(path, content) as draft:
        draft.replace(path)


def kept(path: Path, make: Callable[[], str]) -> str:
    """The content of a file, which is made when it is absent."""
    if not path.exists():
        # The link fails when another process was quicker; then the other's file counts.
        with _draft(path, make()) as draft, suppress(FileExistsError):
            path.hardlink_to(draft)
    return path.read_text()


@contextmanager
def _draft(path: Path, content: str | bytes) -> Iterator[Path]:
    """The content under another name, and on disk, so that it survives a power cut before `path` names it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def make_private(path: Path) -> None:
    """Make a file that only its owner may read, unless it is there, and the folders above it. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
