"""Our edge and nginx over one title of two hours, each alone on core 0; and wrk, which asks them, on core 1."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

from edge.server import serve
from matinee import delivery
from matinee.instance import free_port
from matinee.layout import INDEX, asset_prefix
from matinee.rpc.channel import open_channel
from matinee.rpc.server import make_server
from matinee.settings import HttpSettings, Settings
from matinee.storage.opening import open_store
from protos.v1.auth_pb2_grpc import add_AuthServiceServicer_to_server
from protos.v1.playback_pb2_grpc import add_EdgeServiceServicer_to_server
from tests.control_services import Auth, Calls
from tests.edge_desk import EdgeDesk
from tests.unit.packager.films import two_hours

ASSET_ID = "benchmarkbenchmarkbenchmar"
HOUR = 3600
SECRET = "bench"
TOOL_PATH = f"{os.environ['PATH']}:/usr/sbin"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1; worker_cpu_affinity 01;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nodelay on; tcp_nopush off; keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {folder}/objects;
            secure_link $arg_md5,$arg_expires;
            secure_link_md5 "$secure_link_expires$uri {secret}";
            if ($secure_link = "") {{ return 403; }}
            if ($secure_link = "0") {{ return 410; }}
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests per second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def store_title(folder: Path) -> None:
    """Two hours of index, and tracks without content (sparse files) of the sizes that it tells."""
    index = two_hours()
    asset = folder / "objects" / asset_prefix(ASSET_ID)
    asset.mkdir(parents=True)
    (asset / INDEX).write_bytes(index.encode())
    for track in index.tracks:
        with (asset / track.name).open("wb") as file:
            file.truncate(track.file_size)


@contextmanager
def edge(folder: Path) -> Iterator[str]:
    """Our edge, behind its whole door: the address of the asset's folder."""
    command = [sys.executable, "-m", "bench.servers", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield _said(folder / "edge.url")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """An nginx at its best, with secure_link: the address of the asset's folder."""
    port = free_port("127.0.0.1")
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, secret=SECRET))
    process = subprocess.Popen([str(shutil.which("nginx", path=TOOL_PATH)), "-c", str(settings), "-p", str(folder)])
    try:
        _said(folder / "nginx.pid")
        yield f"http://127.0.0.1:{port}/assets/{ASSET_ID}"
    finally:
        process.terminate()
        process.wait()


def _said(path: Path) -> str:
    """What a server writes when it is ready."""
    while not (path.exists() and path.read_text().endswith("\n")):
        time.sleep(0.05)
    return path.read_text().strip()


def secure_link(url: str) -> str:
    """A URL of nginx's with the signature that it wants."""
    expires, path = int(time.time()) + HOUR, "/" + url.split("/", 3)[3]
    digest = md5(f"{expires}{path} {SECRET}".encode(), usedforsecurity=False).digest()
    return f"{url}?md5={urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}"


def missing_tools() -> str:
    """One sentence about what is not installed, or nothing."""
    missing = [tool for tool in ("nginx", "wrk") if not shutil.which(tool, path=TOOL_PATH)]
    return f"this benchmark needs {' and '.join(missing)}; install them with apt-get" if missing else ""


def taken_by_others(seconds: float = 1) -> float:
    """The share of the machine's CPU that is in use while our servers have nothing to do."""
    before, idle_before = _cpu_ticks()
    time.sleep(seconds)
    after, idle_after = _cpu_ticks()
    return 1 - (idle_after - idle_before) / (after - before)


def _cpu_ticks() -> tuple[int, int]:
    """All ticks of all cores, and the idle ones (proc(5), /proc/stat)."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def load(url: str, *headers: str, connections: int = 16, seconds: int = 3) -> Load:
    """Ask for a URL as fast as it is answered."""
    options = [option for header in headers for option in ("-H", header)]
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *options, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or (rate := re.search(r"Requests/sec:\s+([\d.]+)", said)) is None:
        raise RuntimeError(f"wrk was not served:\n{said}")
    return Load(float(rate[1]), _latency(said, "50"), _latency(said, "99"))


def _latency(said: str, percentile: str) -> float:
    found = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", said)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]] if found else 0.0


async def main(folder: Path) -> None:
    """The edge as it always is; control's side of the seam answers on a socket of its own."""
    os.sched_setaffinity(0, {0})
    calls, control = Calls(), make_server()
    auth = Auth(calls)  # type: ignore[abstract]
    add_AuthServiceServicer_to_server(auth, control)
    add_EdgeServiceServicer_to_server(EdgeDesk(grant_seconds=HOUR), control)
    control.add_insecure_port(f"unix:{folder}/control.sock")
    await control.start()
    now = time.time()
    token = delivery.mint(calls.key, ASSET_ID, "bench", now=now, expires_at=now + HOUR)

    def say(port: int) -> None:
        main_playlist, _ = delivery.urls(f"http://127.0.0.1:{port}", ASSET_ID, token)
        (folder / "edge.url").write_text(main_playlist.rpartition("/")[0] + "\n")

    settings = Settings(data=folder, http=HttpSettings(port=0))
    async with open_channel(f"unix:{folder}/control.sock") as channel:
        store = open_store((folder / "objects").as_uri())
        await serve(settings, store, channel, "bench", asyncio.Event(), on_listening=say)


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(Path(sys.argv[1])))
