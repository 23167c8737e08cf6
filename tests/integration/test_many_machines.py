"""Control, edge and worker as machines of their own run them: one file of settings, a data directory each."""

import json
import os
import re
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.authority import Authority
from tests.films import shared_film
from tests.handshakes import greet_strictly
from tests.patience import wait_until
from tests.ports import free_port
from tests.stack import ROOT, stop

pytestmark = pytest.mark.integration

MANY_MACHINES = (ROOT / "docs" / "many-machines.md").read_text()

SETTINGS = """
[control]
listen = "127.0.0.1:{control}"
address = "localhost:{control}"
secret_file = "secret"
certificate_file = "{certificate}"
private_key_file = "{private_key}"
authority_file = "{authority}"

[store]
url = "{store}"

[http]
port = {door}
public_url = "http://127.0.0.1:{door}"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with the settings and the secret, in which each machine has its data directory."""
    ports = {"control": free_port("127.0.0.1"), "door": free_port("127.0.0.1")}
    authority = Authority(tmp_path / "certificates")
    issued = authority.issue("localhost")
    files = {**vars(issued), "authority": authority.file, "store": (tmp_path / "store").as_uri()}
    (tmp_path / "matinee.toml").write_text(SETTINGS.format(**files, **ports))
    (tmp_path / "secret").write_text(secrets.token_hex(32))
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


def test_a_film_goes_through_a_house_of_three_machines(house: Path) -> None:
    with ExitStack() as machines:
        control = machines.enter_context(machine(house, "control"))
        for service in ("edge", "worker"):
            machines.enter_context(machine(house, service))
        door = tomllib.loads((house / "matinee.toml").read_text())["http"]["public_url"]
        with httpx.Client(transport=httpx.HTTPTransport(retries=10), trust_env=False) as client:
            wait_until(lambda: client.get(f"{door}/readyz").json() == {"ready": True})
        admin = json.loads((control / "admin.json").read_text())
        away = {"MATINEE_URL": door, "MATINEE_PASSWORD": admin["password"]}
        assert matinee(house, "login", "--email", admin["email"], **away).returncode == 0
        done = matinee(house, "ingest", str(shared_film()), "--wait", "--json", **away)
        assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "published")


@pytest.mark.parametrize("service", ["control", "edge", "worker"])
def test_a_machine_without_the_secret_says_where_it_comes_from(house: Path, service: str) -> None:
    (house / "secret").unlink()
    done = matinee(house, service, "--data", str(house / service))
    to_do = "make it with `openssl rand -hex 32`, and give every machine the same (control.secret_file)"
    assert (done.returncode, done.stderr) == (69, f"matinee: secret cannot be read: {to_do}\n")


def test_a_machine_whose_control_is_elsewhere_says_where_the_secret_comes_from(house: Path) -> None:
    done = matinee(house, "worker", "--data", str(house / "worker"), MATINEE_CONTROL__SECRET_FILE="")
    file = house / "worker" / "run" / "service.token"
    to_do = "start control on this data directory, or copy the file from control's machine"
    assert (done.returncode, done.stderr) == (69, f"matinee: {file} cannot be read: {to_do}\n")


@pytest.mark.parametrize("service", ["edge", "worker"])
def test_a_machine_with_another_secret_says_so_and_ends(house: Path, service: str) -> None:
    (house / "other").write_text(secrets.token_hex(32))
    with machine(house, "control"):
        wait_until(lambda: "control serves" in (house / "control.log").read_text())
        done = matinee(house, service, "--data", str(house / service), MATINEE_CONTROL__SECRET_FILE="other")
    refusal = "only services of this instance may call this, which have its secret (control.secret_file)"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (77, f"matinee: {refusal}")


def test_the_certificates_of_the_document_are_believed_by_the_clients_that_are_strict(tmp_path: Path) -> None:
    [commands] = re.findall(r"^ +(openssl req .*?)^ +```", MANY_MACHINES, re.DOTALL | re.MULTILINE)
    subprocess.run(["bash", "-euc", commands], cwd=tmp_path, capture_output=True, check=True)
    authority, certificate, key = (tmp_path / name for name in ("authority.pem", "machine.pem", "machine.key"))
    greet_strictly(authority, certificate, key, "control")
