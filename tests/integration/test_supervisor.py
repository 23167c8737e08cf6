"""`matinee up`: three children that are started, watched and stopped together."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select

import httpx
import pytest
from structlog.testing import capture_logs

from matinee.supervisor import Child
from tests.patience import PATIENCE, Stopwatch, until, wait_until
from tests.stack import ROOT, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sturdy_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all tests after which it is as it was."""
    with running_stack(tmp_path_factory.mktemp("sturdy") / "data") as running:
        yield running


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path / "data") as running:
        yield running


def alive(pid: int) -> bool:
    """Whether a process has not ended; one that has, and is not waited for by its parent, is not alive."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        return select([process], [], [], 0)[0] == []
    finally:
        os.close(process)


def ready(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_a_second_start_on_one_directory_is_refused_with_a_sentence(sturdy_stack: Stack) -> None:
    again = sturdy_stack.matinee("up", "--port", "0")
    assert again.returncode == 73
    assert again.stderr.strip().splitlines() == [
        f"matinee: another Matinee runs on {sturdy_stack.data}: stop it, or choose another directory with --data"
    ]


@pytest.mark.anyio
async def test_a_child_that_keeps_ending_is_started_ever_more_slowly(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as output, capture_logs() as lines:
        child = Child("no-service", dict(os.environ), output)
        running = asyncio.create_task(child.run())
        await until(lambda: len(lines) == 2, seconds=60)
        running.cancel()
        await child.stop()
    assert [line["pause_seconds"] for line in lines] == [0.2, 0.4]


def test_a_port_that_is_taken_is_refused_with_a_sentence(sturdy_stack: Stack, tmp_path: Path) -> None:
    port = sturdy_stack.url.rpartition(":")[2]
    again = sturdy_stack.matinee("up", "--port", port, "--data", str(tmp_path / "other"))
    assert (again.returncode, again.stderr.count("\n")) == (73, 1)
    assert f"127.0.0.1:{port} cannot be listened on" in again.stderr


@pytest.mark.parametrize("name", ["control", "edge", "worker"])
def test_a_crashed_child_is_started_again_and_all_is_well(sturdy_stack: Stack, name: str) -> None:
    killed = sturdy_stack.children()[name]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: sturdy_stack.children().get(name, killed) != killed)
    wait_until(lambda: sturdy_stack.matinee("titles", "--json").returncode == 0)
    wait_until(lambda: ready(sturdy_stack))


def test_ctrl_c_stops_every_child_within_five_seconds(own_stack: Stack) -> None:
    children = own_stack.children().values()
    watch = Stopwatch(own_stack.process.pid)
    own_stack.process.send_signal(signal.SIGINT)
    wait_until(lambda: watch.seconds() >= 5 or own_stack.process.poll() is not None)
    assert watch.seconds() < 5
    assert own_stack.process.returncode == 0
    assert not any(map(alive, children))


def test_children_end_with_a_supervisor_that_is_killed(own_stack: Stack) -> None:
    children = list(own_stack.children().values())
    assert len(children) == 3
    own_stack.process.kill()
    wait_until(lambda: not any(map(alive, children)))


def test_what_an_instance_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(b"private" * 10_000)
    with running_stack(tmp_path / "data", WORKER__POLL_SECONDS="3600") as stack:  # nobody takes the film and refuses it
        assert stack.matinee("ingest", str(film)).returncode == 0
        written = [path for path in stack.data.rglob("*") if path.name != "stack.log"]  # that one is the test's own
        assert any("uploads" in path.parts and path.is_file() for path in written)
        assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_a_command_without_an_instance_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "MATINEE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "matinee", "titles"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 69
    assert "start it with `matinee up`" in done.stderr
    assert done.stderr.count("\n") == 1
