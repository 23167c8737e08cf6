"""The whole house as its users run it: `matinee up` on a fresh data directory, and the command line beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matinee.settings import load_settings
from tests.patience import wait_until

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15


@dataclass
class Stack:
    """A running instance: its public door, its data directory, and its administrator."""

    data: Path
    process: subprocess.Popen[str]
    url: str = ""
    email: str = ""
    password: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def matinee(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this instance."""
        command = [sys.executable, "-m", "matinee", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def ingest(self, film: Path, title: str) -> str:
        """Ingest a film, wait until it has been published, and give its title_id."""
        done = self.matinee("ingest", str(film), "--title", title, "--wait", "--json")
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["title_id"])

    def play(self, title_id: str) -> dict[str, Any]:
        """Open a playback session: hls, dash, session_id, expires_at."""
        done = self.matinee("play", title_id, "--json")
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    @property
    def database_url(self) -> str:
        """Where its database is, for what no call can do."""
        return self.environment.get("MATINEE_DATABASE__URL") or load_settings(data=self.data).database_url

    def log(self) -> str:
        """What it has said so far."""
        return (self.data / "stack.log").read_text()

    def children(self) -> dict[str, int]:
        """The process ids of control, edge and worker."""
        return services(self.process.pid)


def services(supervisor: int) -> dict[str, int]:
    """The process ids of control, edge and worker under a supervisor."""
    found = {}
    listing = subprocess.run(
        ["ps", "--ppid", str(supervisor), "-o", "pid=,args="], capture_output=True, text=True, check=True
    )
    for line in listing.stdout.splitlines():
        pid, *arguments = line.split()
        if "matinee" in arguments:  # one that has just ended has no arguments any more
            found[arguments[arguments.index("matinee") + 1]] = int(pid)
    return found


@contextmanager
def running_stack(data: Path, *, port: int = 0, **settings: str) -> Iterator[Stack]:
    """Start `matinee up` on `data` with settings such as WORKER__LEASE_SECONDS="3"; stop it at the end.

    Port 0 is any that is free.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")}
    environment |= {f"MATINEE_{name}": value for name, value in settings.items()}
    environment["MATINEE_DATA"] = str(data)
    data.mkdir(parents=True, exist_ok=True)
    with (data / "stack.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "matinee", "up", "--port", str(port)],
            cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    stack = Stack(data, process, environment=environment)
    try:
        _wait_until_up(stack)
        yield stack
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process that this test run started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait_until_up(stack: Stack) -> None:
    door = stack.data / "run" / "door.json"
    wait_until(lambda: door.exists() or stack.process.poll() is not None, reproach=stack.log)
    assert stack.process.poll() is None, stack.log()
    stack.url = json.loads(door.read_text())["url"]
    admin = json.loads((stack.data / "admin.json").read_text())
    stack.email, stack.password = admin["email"], admin["password"]
