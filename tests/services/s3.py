"""Real S3 servers on loopback: SeaweedFS from its package, and MinIO where `make minio` has built it.

Each keeps all that it has below a folder and listens on ports that were free.
"""

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.machine import MINIO
from tests.patience import wait_until
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
ACCESS_KEY_ID = "matinee"
SECRET_ACCESS_KEY = "matinee-of-the-tests"
REGION = "us-east-1"
STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class S3:
    """A running S3 server, and what its clients need; `process` is its process id."""

    endpoint: str
    process: int
    access_key_id: str = ACCESS_KEY_ID
    secret_access_key: str = SECRET_ACCESS_KEY
    region: str = REGION

    @property
    def settings(self) -> dict[str, str]:
        """The same as settings of `[store]`."""
        return {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }


def servers() -> list[str]:
    """The names of the S3 servers that this machine has."""
    return ["seaweedfs", *(["minio"] if MINIO.exists() else [])]


@contextmanager
def s3(folder: Path, server: str = "seaweedfs") -> Iterator[S3]:
    """Run an S3 server on `folder` for as long as the context lasts."""
    with {"seaweedfs": _seaweedfs, "minio": _minio}[server](folder) as running:
        yield running


@contextmanager
def seaweedfs_ports() -> Iterator[dict[str, int]]:
    """Free ports for SeaweedFS, by the options that set them: where its own are taken it chooses others by itself."""
    names = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
             "filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc")  # fmt: skip
    ports = {name: free_port(HOST) for name in names}
    try:
        yield ports
    finally:
        for port in ports.values():  # it leaves some of its sockets behind
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[S3]:
    """All of SeaweedFS in one process, without what S3 does not need, and without a word to its makers."""
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    with seaweedfs_ports() as ports:
        command = [
            str(Path(sysconfig.get_path("scripts")) / "weed"), f"-logdir={folder}", "mini", f"-dir={folder}",
            f"-ip={HOST}", f"-ip.bind={HOST}", *(f"-{name}={port}" for name, port in ports.items()),
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false",
        ]  # fmt: skip
        with _running(command, folder, ports["s3.port"], keys, ready="/healthz") as running:
            yield running


@contextmanager
def _minio(folder: Path) -> Iterator[S3]:
    port = free_port(HOST)
    command = [str(MINIO), "server", "--quiet", "--address", f"{HOST}:{port}", str(folder / "data")]
    keys = {"MINIO_ROOT_USER": ACCESS_KEY_ID, "MINIO_ROOT_PASSWORD": SECRET_ACCESS_KEY, "MINIO_BROWSER": "off"}
    with _running(command, folder, port, keys, ready="/minio/health/ready") as running:
        yield running


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int, keys: dict[str, str], *, ready: str) -> Iterator[S3]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | keys, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    endpoint = f"http://{HOST}:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _answers(endpoint + ready), reproach=log.read_text)
        assert process.poll() is None, log.read_text()
        yield S3(endpoint, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1):
            return True
    except HTTPError:
        return False
    except (URLError, OSError):
        return False
