"""Upload throughput over loopback: `python -m bench.uploads [MIB]`.

The plain PUT of a file to a file, by the same HTTP server and client, is what an upload can cost at least. Against it:
one long tus PATCH without a checksum, which shows the server's share, and `matinee ingest`'s own client, which hashes
the whole film first and then sends chunks with a SHA-256 each. Server and client have a core of their own.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

import httpx
import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bench.table import show
from ingest.upload import upload
from matinee.bearer import Bearer
from matinee.instance import free_port
from matinee.rpc.channel import open_channel
from matinee.settings import Settings
from matinee.storage.opening import open_store
from tests.uploads import Control, make_control, make_uploads

ROUNDS = 5
MIB = 1024**2
PIECE_BYTES = 256 * 1024


class PlainPut:
    """Writes a body to a file, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one PUT."""
        if scope["path"] == "/plain" and scope["method"] == "PUT":
            with (self._folder / f"plain{time.monotonic_ns()}").open("wb") as file:
                async for chunk in Request(scope, receive).stream():
                    file.write(chunk)
        await Response(status_code=204)(scope, receive, send)


async def serve(folder: Path, control: str, port: int) -> None:
    """Both servers on one port, on core 0."""
    os.sched_setaffinity(0, {0})
    channel = open_channel(control)
    store = open_store((folder / "objects").as_uri())
    uploads = make_uploads(store, channel, settings=Settings())
    plain = PlainPut(folder)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (uploads if scope["path"].startswith("/uploads") else plain)(scope, receive, send)

    await uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_level="warning")).serve()


@contextmanager
def served(folder: Path, control: Control) -> Iterator[tuple[str, int]]:
    """A server process: its address and its process id."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "bench.uploads", "serve", str(folder), control.address, str(port)]
    process = subprocess.Popen(command)
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False) as client:
            client.options(f"http://127.0.0.1:{port}/uploads")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def pieces(film: Path) -> Iterator[bytes]:
    """A file as a body."""
    with film.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def put_plainly(url: str, film: Path) -> None:
    """One PUT."""
    headers = {"Content-Length": str(film.stat().st_size)}
    httpx.put(f"{url}/plain", content=pieces(film), headers=headers, trust_env=False, timeout=600).raise_for_status()


def patch_once(url: str, film: Path, token: str) -> None:
    """One PATCH for the whole film."""
    size = str(film.stat().st_size)
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=600) as client:
        created = client.post("/uploads", headers={"Upload-Length": size, "Upload-Metadata": "title YQ=="})
        described = {"Content-Length": size, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        client.patch(created.headers["Location"], content=pieces(film), headers=described).raise_for_status()


@dataclass(frozen=True)
class Cost:
    """What one upload took, in seconds: by the clock, and of CPU on either side."""

    wall: float
    server: float
    client: float


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(work: Callable[[], object], pid: int) -> Cost:
    """Do it once."""
    wall, server, client = time.perf_counter(), cpu_seconds(pid), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, cpu_seconds(pid) - server, time.process_time() - client)


def compare(contenders: dict[str, Callable[[], object]], pid: int, clean: Callable[[], object]) -> dict[str, Cost]:
    """The medians of several rounds, in which each has its turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, work in contenders.items():
            costs[name].append(measure(work, pid))
        clean()
    return {name: Cost(*map(statistics.median, zip(*map(astuple, each), strict=True))) for name, each in costs.items()}


def run(size: int = 512 * MIB) -> None:
    """Measure, and print the table."""
    os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
    control = make_control()
    with tempfile.TemporaryDirectory() as name, start_blocking_portal() as portal:
        folder, film = Path(name), Path(name) / "film"
        film.write_bytes(os.urandom(size))
        store = open_store((folder / "objects").as_uri())

        def clean() -> None:
            portal.call(store.delete_prefix, "uploads")
            for file in folder.glob("plain*"):
                file.unlink()

        with portal.wrap_async_context_manager(control.running()), served(folder, control) as (url, pid):
            token = control.token(life=3600)
            contenders: dict[str, Callable[[], object]] = {
                "plain PUT to a file": lambda: put_plainly(url, film),
                "tus, one PATCH, no checksum": lambda: patch_once(url, film, token),
                "matinee ingest, every chunk with SHA-256": lambda: upload(
                    film, url=url, auth=Bearer(token), title="a", memory=folder
                ),
            }
            report(size, compare(contenders, pid, clean))


def report(size: int, costs: dict[str, Cost]) -> None:
    """Print the table; the first contender is what the others are held against."""
    best, gib = next(iter(costs.values())).wall, size / 1024**3
    rows = [
        (
            name,
            f"{size / MIB / cost.wall:.0f}",
            f"{best / cost.wall:.2f}x",
            f"{cost.server / gib:.1f}",
            f"{cost.client / gib:.1f}",
        )
        for name, cost in costs.items()
    ]
    header = ("", "MiB/s", "of plain", "server, CPU s/GiB", "client, CPU s/GiB")
    show(f"Upload of {size // MIB} MiB over loopback", header, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
    else:
        run(*(int(megabytes) * MIB for megabytes in sys.argv[1:2]))
