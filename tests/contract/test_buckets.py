"""Setting up a bucket; run over each S3 server that this machine has."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from matinee.buckets.bucket import bucket
from matinee.buckets.client import connect
from matinee.buckets.setup import Measure, set_up
from matinee.errors import InvalidInput, PermissionDenied, Unavailable
from matinee.settings import StoreSettings
from tests.buckets import ARRANGEMENT, new_bucket
from tests.services.s3 import S3, servers
from tests.stack import ROOT

LACKS = {"seaweedfs": set[str](), "minio": {"browser uploads", "abandoned uploads"}}
"""What cannot be set up on each server."""


@pytest.fixture(params=servers())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(name: str, s3_server: Callable[[str], S3]) -> S3:
    return s3_server(name)


@pytest.fixture
def settings(server: S3) -> StoreSettings:
    return new_bucket(server, prefix="house")


def arrange(settings: StoreSettings) -> dict[str, Measure]:
    return {measure.name: measure for measure in set_up(bucket(settings), ARRANGEMENT)}


def test_all_is_set_up_but_what_the_server_says_that_it_cannot_do(name: str, settings: StoreSettings) -> None:
    measures = arrange(settings)
    assert {measure.name for measure in measures.values() if not measure.supported} == LACKS[name]
    assert all(measure.done for measure in measures.values() if measure.supported)
    assert all("not supported" in measures[lacking].state for lacking in LACKS[name])


def test_browsers_may_send_parts_from_the_origin_of_the_house_alone(s3_server: Callable[[str], S3]) -> None:
    store = new_bucket(s3_server("seaweedfs"))
    wanted = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-checksum-sha256"}
    url = f"{store.endpoint}/{bucket(store).name}/part"
    origins = (ARRANGEMENT.origin, "https://evil.example")
    answers = [httpx.options(url, headers={"Origin": origin, **wanted}, trust_env=False) for origin in origins]
    assert [answer.headers.get("Access-Control-Allow-Origin") for answer in answers] == [ARRANGEMENT.origin, None]
    assert "x-amz-checksum-sha256" in answers[0].headers["Access-Control-Allow-Headers"].lower()


def test_a_bucket_that_is_there_is_left_as_it_is(settings: StoreSettings) -> None:
    with closing(connect(bucket(settings))) as client:
        client.put_object(Bucket=bucket(settings).name, Key="kept", Body=b"1")
        assert arrange(settings)["bucket"].state.endswith("was there")
        assert client.get_object(Bucket=bucket(settings).name, Key="kept")["Body"].read() == b"1"


def test_versions_of_objects_are_kept_no_longer(settings: StoreSettings) -> None:
    name = bucket(settings).name
    with closing(connect(bucket(settings))) as client:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        assert "suspended" in arrange(settings)["versioning"].state
        assert client.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"


def test_wrong_keys_are_told_and_not_quoted(server: S3) -> None:
    settings = StoreSettings.model_validate(
        {"url": "s3://films", **server.settings, "secret_access_key": "not the secret"}
    )
    with pytest.raises(PermissionDenied) as refusal:
        arrange(settings)
    assert "not the secret" not in str(refusal.value)


def test_rules_of_others_are_kept_and_ours_are_there_once(s3_server: Callable[[str], S3]) -> None:
    settings = new_bucket(s3_server("seaweedfs"))
    name = bucket(settings).name
    with closing(connect(bucket(settings))) as client:
        theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
        rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [theirs, *rules]})  # type: ignore[list-item]
        arrange(settings)
        arrange(settings)
        kept = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        assert sorted(rule["ID"] for rule in kept) == ["matinee-abandoned-uploads", "matinee-spans", "theirs"]
        assert len(client.get_bucket_cors(Bucket=name)["CORSRules"]) == 1


def test_a_server_that_is_away_is_unavailable() -> None:
    settings = StoreSettings.model_validate(
        {
            "url": "s3://films",
            "endpoint": "http://127.0.0.1:1",
            "access_key_id": "a",
            "secret_access_key": "b",
            "retries": 0,
        }
    )
    with pytest.raises(Unavailable, match="does not answer"):
        arrange(settings)


def test_without_keys_it_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    with pytest.raises(InvalidInput, match=r"store\.access_key_id"):
        arrange(StoreSettings(url="s3://films", endpoint="http://127.0.0.1:1"))


def test_the_command_says_what_it_did_and_leaves_with_0_when_only_the_server_lacks_something(
    server: S3, name: str
) -> None:
    settings = {f"MATINEE_STORE__{name.upper()}": value for name, value in server.settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "matinee", "storage", "setup", "--json"],
        cwd=ROOT, env={**os.environ, **settings, "MATINEE_STORE__URL": f"s3://of-the-command-{name}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measures = {measure["name"]: measure for measure in json.loads(done.stdout)}
    assert measures["bucket"]["state"] == f"of-the-command-{name} was made"
    assert {lacking for lacking, measure in measures.items() if not measure["supported"]} == LACKS[name]


def test_a_folder_needs_no_setting_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "matinee", "storage", "setup", "--data", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (65, 1)
    assert "is no bucket" in done.stderr
