"""What the command line remembers of its user, for later commands and for those that run at the same time."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matinee.errors import InvalidInput
from matinee.small_files import write_whole


def state_directory() -> Path:
    """Where all of it lies (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "matinee"


@dataclass(frozen=True)
class Session:
    """A login at an instance. The refresh token is good once; `expires_at`, a Unix time, is the access token's."""

    refresh_token: str
    access_token: str
    expires_at: float

    @classmethod
    def opened(cls, answer: Mapping[str, Any], now: float) -> "Session":
        """The session that the instance has just answered a login or a refresh with."""
        return cls(answer["refresh_token"], answer["access_token"], now + answer["expires_in"])


class Sessions:
    """The sessions of a user by the address of their instance, in a file that is readable by the user alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "sessions.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other commands waiting, so that no two of them spend one refresh token. Raises `InvalidInput`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self._folder / "sessions.lock").open("a")
        except OSError as error:
            raise InvalidInput(f"logins cannot be kept in {self._folder}: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self, url: str) -> Session | None:
        """The session at an instance, if there is one."""
        return self._read().get(url)

    def put(self, url: str, session: Session) -> None:
        """Remember a session in place of an earlier one; only while held."""
        kept = {**self._read(), url: session}
        write_whole(self._file, json.dumps({url: asdict(session) for url, session in kept.items()}))

    def _read(self) -> dict[str, Session]:
        try:
            return {url: Session(**fields) for url, fields in json.loads(self._file.read_text()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
