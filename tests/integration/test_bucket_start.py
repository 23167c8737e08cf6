"""What is said at the start of services whose bucket is not there, is not for them, or is away."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matinee.errors import Unavailable
from matinee.settings import StoreSettings, load_settings
from matinee.wiring import opened_store
from tests.buckets import as_environment, new_store, store_at
from tests.services.s3 import S3, servers
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SERVICES = ("up", "control", "edge", "worker")


def started(service: str, data: Path, store: StoreSettings) -> tuple[int, str]:
    """With what a service ends that cannot start: its exit status, and its sentence."""
    (data / "run").mkdir(parents=True, exist_ok=True)
    (data / "run" / "service.token").write_text("secret")
    done = subprocess.run(
        [sys.executable, "-m", "matinee", service, "--data", str(data)],
        cwd=ROOT, env=os.environ | as_environment(store), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()[-1]


@pytest.mark.parametrize("service", SERVICES)
def test_a_bucket_that_is_not_there_is_told_with_what_makes_it(
    tmp_path: Path, s3_server: Callable[[str], S3], service: str
) -> None:
    store = store_at(s3_server("seaweedfs"), "s3://not-there")
    sentence = "matinee: the bucket of store.url is not there: make it with `matinee storage setup`"
    assert started(service, tmp_path, store) == (66, sentence)


@pytest.mark.parametrize("server", servers())
def test_a_bucket_that_is_not_for_us_is_told(tmp_path: Path, s3_server: Callable[[str], S3], server: str) -> None:
    store = new_store(s3_server(server)).model_copy(update={"access_key_id": "somebody"})
    status, sentence = started("up", tmp_path, store)
    assert status == 77
    assert sentence.startswith("matinee: the bucket of store.url refuses us (InvalidAccessKeyId)")
    assert "`matinee storage setup`" in sentence


def test_doctor_says_it_too(tmp_path: Path, s3_server: Callable[[str], S3]) -> None:
    store = store_at(s3_server("seaweedfs"), "s3://not-there")
    done = subprocess.run(
        [sys.executable, "-m", "matinee", "doctor", "--data", str(tmp_path)],
        cwd=ROOT, env=os.environ | as_environment(store), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "the bucket of store.url is not there" in " ".join(done.stdout.split())


@pytest.mark.anyio
async def test_a_server_that_is_away_keeps_no_service_from_starting(tmp_path: Path) -> None:
    away = {"url": "s3://films", "endpoint": "http://127.0.0.1:1", "access_key_id": "a", "secret_access_key": "b"}
    store = await opened_store(load_settings(data=tmp_path, store={**away, "retries": 0}))
    with pytest.raises(Unavailable):
        await store.get("anything")
