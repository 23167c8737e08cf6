"""The instance that runs on a data directory: who holds the directory, and where its public door is."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from matinee.errors import Conflict, InvalidInput, NotFound, Unavailable
from matinee.settings import Settings
from matinee.small_files import write_whole

LONGEST_SOCKET_PATH = 107
"""Bytes of `sun_path` of unix(7), without the NUL at its end."""

SHORTEST_SECRET = 32
SAME_SECRET = "make it with `openssl rand -hex 32`, and give every machine the same (control.secret_file)"


@dataclass(frozen=True)
class Administrator:
    """The account that the first start creates."""

    email: str
    password: str


@contextmanager
def hold_directory(settings: Settings) -> Iterator[None]:
    """Keep a data directory for this process, however it ends. Raises `Conflict` when another instance has it."""
    require_socket(settings)
    run = settings.run_directory
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        run.mkdir(exist_ok=True, mode=0o700)
        lock = (run / "lock").open("a")
    except OSError as error:
        raise InvalidInput(f"the data directory {settings.data} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another Matinee runs on {settings.data}: stop it, or choose another directory with --data"
            ) from None
        yield


def announce(settings: Settings) -> None:
    """Write down where the public door is, for the command line."""
    write_whole(_door_file(settings), json.dumps({"url": settings.public_url}))


def withdraw(settings: Settings) -> None:
    """Forget where the public door was."""
    _door_file(settings).unlink(missing_ok=True)


def door(settings: Settings) -> str:
    """The address of the instance that runs on the data directory. Raises `Unavailable` when none does."""
    try:
        return str(json.loads(_door_file(settings).read_text())["url"])
    except (OSError, ValueError, KeyError):
        raise Unavailable(
            f"no Matinee runs on {settings.data}: start it with `matinee up`, or name one with --data or MATINEE_URL"
        ) from None


def administrator(data: Path) -> Administrator:
    """The administrator of a data directory. Raises `NotFound`."""
    try:
        return Administrator(**json.loads((data / "admin.json").read_text()))
    except (OSError, ValueError, TypeError):
        raise NotFound(
            f"{data / 'admin.json'} cannot be read: name the instance's data directory with --data"
        ) from None


def service_token(settings: Settings) -> str:
    """The secret of the house, by which control knows edge and worker.

    Raises `Unavailable` when nobody has put it there, `InvalidInput` when it is no secret.
    """
    file = settings.service_token_file
    try:
        secret = file.read_text().strip()
    except (OSError, ValueError) as error:
        to_do = "start control on this data directory, or copy the file from control's machine"
        raise Unavailable(f"{file} cannot be read: {SAME_SECRET if settings.control.secret_file else to_do}") from error
    if len(secret) < SHORTEST_SECRET or not (secret.isascii() and secret.isprintable()):
        raise InvalidInput(f"{file} must hold one line of at least {SHORTEST_SECRET} characters: {SAME_SECRET}")
    return secret


def require_socket(settings: Settings) -> None:
    """Raise `InvalidInput` when the path of control's unix socket is longer than the system takes."""
    scheme, _, path = settings.control_listen.partition(":")
    if scheme == "unix" and len(os.fsencode(unquote(path))) > LONGEST_SOCKET_PATH:
        raise InvalidInput(
            f"the socket {unquote(path)} has a path longer than {LONGEST_SOCKET_PATH} bytes: "
            "choose a shorter data directory, or set control.listen"
        )


def free_port(host: str) -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def require_port(host: str, port: int) -> None:
    """Raise `Conflict` when the port cannot be listened on."""
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _door_file(settings: Settings) -> Path:
    return settings.run_directory / "door.json"
