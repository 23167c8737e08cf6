"""How a Dask cluster is named, entered and described; what it does is in tests/contract."""

import subprocess
import sys
from pathlib import Path

import pytest

from matinee.cluster.connection import address, security
from matinee.cluster.description import difference
from matinee.cluster.executor import open_cluster
from matinee.cluster.worker import refuse_open
from matinee.errors import InvalidInput
from matinee.settings import load_settings
from tests.stack import ROOT

OURS = {"python": "3.11.7.final.0", "distributed": "2026.8.0", "matinee": "0.1.0"}


@pytest.mark.parametrize(
    ("executor", "called"),
    [("dask://scheduler:8786", "tcp://scheduler:8786"), ("dask+tls://[::1]:8786", "tls://[::1]:8786")],
)
def test_a_scheduler_has_the_address_that_dask_knows(executor: str, called: str) -> None:
    assert address(load_settings(worker={"executor": executor})) == called


def test_every_member_shows_the_same_certificate() -> None:
    cluster = {"ca_file": "ca.pem", "certificate_file": "worker.pem", "key_file": "worker.key"}
    shown = security(load_settings(worker={"executor": "dask+tls://scheduler:8786"}, cluster=cluster))
    assert shown.require_encryption
    assert shown.get_tls_config_for_role("client") == {
        "ca_file": "ca.pem", "cert": "worker.pem", "key": "worker.key", "ciphers": None,
    }  # fmt: skip
    assert shown.get_tls_config_for_role("worker") == shown.get_tls_config_for_role("client")


def test_tls_without_a_certificate_is_refused() -> None:
    settings = load_settings(worker={"executor": "dask+tls://scheduler:8786"}, cluster={"ca_file": "ca.pem"})
    with pytest.raises(InvalidInput, match=r"needs cluster\.ca_file and cluster\.certificate_file"):
        security(settings)


@pytest.mark.anyio
async def test_who_would_be_a_member_without_a_certificate_does_not_start() -> None:
    settings = load_settings(worker={"executor": "dask+tls://scheduler:8786"})
    with pytest.raises(InvalidInput, match=r"needs cluster\.ca_file and cluster\.certificate_file"):
        async with open_cluster(settings):
            raise AssertionError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "8.8.8.8"])
def test_a_worker_that_strangers_could_reach_does_not_start(host: str) -> None:
    with pytest.raises(InvalidInput, match="could run programs here"):
        refuse_open(load_settings(worker={"executor": "dask://scheduler:8786"}, cluster={"host": host}))


@pytest.mark.parametrize(
    ("executor", "host"),
    [("dask://scheduler:8786", "127.0.0.1"), ("dask://scheduler:8786", "10.0.0.21"), ("dask+tls://s:8786", "0.0.0.0")],
)
def test_a_worker_listens_where_only_its_cluster_comes_in(executor: str, host: str) -> None:
    refuse_open(load_settings(worker={"executor": executor}, cluster={"host": host}))


def test_a_member_of_another_version_is_told() -> None:
    members = {"its scheduler": OURS, "tcp://10.0.0.21:4000": {**OURS, "distributed": "2026.1.0"}}
    assert difference(OURS, members) == "tcp://10.0.0.21:4000 has distributed 2026.1.0, and this machine 2026.8.0"


def test_members_of_one_version_differ_in_nothing() -> None:
    assert difference(OURS, {"its scheduler": OURS}) == ""


def test_nobody_imports_dask_who_has_no_cluster() -> None:
    program = "import sys, matinee.cli.main, ingest.worker, edge.server, control.server; print('dask' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_worker_of_no_cluster_is_told_what_to_set(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "matinee", "dask-worker", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    sentence = "worker.executor names no cluster: set it to dask://host:8786, as its scheduler has it"
    assert (done.returncode, done.stderr) == (65, f"matinee: {sentence}\n")
