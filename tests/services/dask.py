"""A Dask cluster on loopback: a scheduler that can be killed and started again, and workers as operators start them."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.patience import wait_until
from tests.ports import free_port

HOST = "127.0.0.1"
STOP_SECONDS = 15
ROOT = Path(__file__).resolve().parents[2]
WORKER = ("-m", "matinee", "dask-worker")

Process = subprocess.Popen[bytes]


@dataclass
class DaskCluster:
    """A scheduler and its workers; `environment` is that of the workers, and nothing else is common to them."""

    folder: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    of_scheduler: dict[str, str] = field(default_factory=dict)
    """The environment of the scheduler."""
    port: int = field(default_factory=lambda: free_port(HOST))
    http_port: int = field(default_factory=lambda: free_port(HOST))
    scheduler: Process | None = None
    workers: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The setting `worker.executor` by which Matinee finds it."""
        return f"dask+tls://{HOST}:{self.port}" if self.options else f"dask://{HOST}:{self.port}"

    def start(self) -> None:
        """Start the scheduler, and wait until it answers."""
        dask = str(Path(sysconfig.get_path("scripts")) / "dask")
        place = ["--host", HOST, "--port", str(self.port), "--dashboard-address", f"{HOST}:{self.http_port}"]
        self.scheduler = self._spawn([dask, "scheduler", *place, *self.options], "scheduler", self.of_scheduler)
        wait_until(self._answers, reproach=self.log)

    def kill(self) -> None:
        """End the scheduler as a crash does."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def hire(self, count: int = 1, *command: str) -> list[Process]:
        """Start so many workers, or processes of another command, each with a data directory of its own."""
        hired = []
        for _ in range(count):
            name = f"dask-worker-{len(self.workers)}"
            environment = {
                "MATINEE_WORKER__EXECUTOR": self.url,
                "MATINEE_DATA": str(self.folder / name),
                **self.environment,
            }
            hired.append(self._spawn([sys.executable, *(command or WORKER)], name, environment))
            self.workers.append(hired[-1])
        return hired

    def said(self, event: str) -> list[dict[str, Any]]:
        """What the workers have logged under this event."""
        logs = [path.read_text() for path in sorted(self.folder.glob("dask-worker-*.log"))]
        whole = [line for log in logs for line in log.splitlines(keepends=True) if line.endswith("\n")]
        return [told for told in map(json.loads, whole) if told["event"] == event]

    def log(self) -> str:
        """All that scheduler and workers have said."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """Stop all of it."""
        running = [process for process in (*self.workers, self.scheduler) if process is not None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, command: Sequence[str], name: str, environment: dict[str, str]) -> Process:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
        with (self.folder / f"{name}.log").open("ab") as output:
            return subprocess.Popen(
                command, cwd=ROOT, env={**inherited, **environment}, stdout=output, stderr=subprocess.STDOUT
            )

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://{HOST}:{self.http_port}/health", timeout=1):
                return True
        except (URLError, OSError):
            return False


@contextmanager
def dask_cluster(folder: Path, *options: str, **environment: str) -> Iterator[DaskCluster]:
    """Run a scheduler for as long as the context lasts, and whatever workers are hired meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, options, environment)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
