"""Control, edge and worker as machines of their own run them: one file of settings, a data directory each."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from matinee.instance import free_port
from tests.films import shared_film
from tests.stack import stop

pytestmark = pytest.mark.integration

SETTINGS = """
[control]
address = "127.0.0.1:{control}"

[store]
url = "{store}"

[http]
port = {door}
public_url = "http://127.0.0.1:{door}"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the settings, in which each machine has its data directory."""
    ports = {"control": free_port("127.0.0.1"), "door": free_port("127.0.0.1")}
    (tmp_path / "matinee.toml").write_text(SETTINGS.format(store=(tmp_path / "store").as_uri(), **ports))
    return tmp_path


@contextmanager
def machine(house: Path, service: str) -> Iterator[Path]:
    """Runs one service; gives its data directory."""
    data = house / service
    with (house / f"{service}.log").open("a") as log:
        command = [sys.executable, "-m", "matinee", service, "--data", str(data)]
        process = subprocess.Popen(command, cwd=house, stderr=log, text=True)
    try:
        yield data
    finally:
        stop(process)


def matinee(house: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matinee", *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(house / "state"), **environment}
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, timeout=100, check=False)


def when_there(file: Path) -> str:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.02)
    return file.read_text()


def test_a_film_goes_through_a_house_of_three_machines(house: Path) -> None:
    with ExitStack() as machines:
        control = machines.enter_context(machine(house, "control"))
        secret = when_there(control / "run" / "service.token")
        for service in ("edge", "worker"):
            (house / service / "run").mkdir(parents=True)
            (house / service / "run" / "service.token").write_text(secret)
            machines.enter_context(machine(house, service))
        door = tomllib.loads((house / "matinee.toml").read_text())["http"]["public_url"]
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False) as client:
            assert client.get(f"{door}/readyz").json() == {"ready": True}
        admin = json.loads((control / "admin.json").read_text())
        away = {"MATINEE_URL": door, "MATINEE_PASSWORD": admin["password"]}
        assert matinee(house, "login", "--email", admin["email"], **away).returncode == 0
        done = matinee(house, "ingest", str(shared_film()), "--wait", "--json", **away)
        assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "published")


@pytest.mark.parametrize("service", ["edge", "worker"])
def test_a_machine_without_the_secret_says_where_it_comes_from(house: Path, service: str) -> None:
    done = matinee(house, service, "--data", str(house / service))
    file = house / service / "run" / "service.token"
    to_do = "start control on this data directory, or copy the file from control's machine"
    assert (done.returncode, done.stderr) == (69, f"matinee: {file} cannot be read: {to_do}\n")
