"""PostgreSQL goes away under load: callers are told so, nothing is said to be wrong, and all goes on by itself.

`MATINEE_TEST_AWAY_SECONDS=30` has it away for longer.
"""

import asyncio
import os
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from control.database import Database
from control.database import postgresql as postgresql_database
from control.database.engine import describe, open_database
from control.playback.service import STOPPED
from matinee.errors import Unavailable
from matinee.rpc.call_errors import CallError
from matinee.rpc.channel import is_serving
from matinee.settings import DatabaseSettings
from protos.v1.catalogue_pb2 import ListTitlesRequest
from protos.v1.playback_pb2 import StopPlaybackRequest
from tests.control_house import House, Metadata, running_control
from tests.databases import Server
from tests.edge_desk import running
from tests.edges import listening, revoked
from tests.patience import until, within
from tests.services.passage import passage
from tests.services.postgresql import kill, postgresql

pytestmark = pytest.mark.anyio

AWAY_SECONDS = float(os.environ.get("MATINEE_TEST_AWAY_SECONDS", "2"))
RECOVERY_SECONDS = 5


class Callers:
    """People who list titles and sign in, one call after the other, and what they were answered."""

    def __init__(self, house: House, admin: Metadata) -> None:
        self.house, self.admin = house, admin
        self.answers: Counter[str] = Counter()
        self.numbers = iter(range(1_000_000))

    async def list_titles(self) -> None:
        while True:
            await self._call(self.house.catalogue.ListTitles(ListTitlesRequest(), metadata=self.admin))

    async def sign_in(self) -> None:
        while True:
            await self._call(self.house.sign_in(f"192.0.2.{next(self.numbers) % 250}"))

    async def _call(self, call: object) -> None:
        try:
            await call  # type: ignore[misc]
            self.answers["OK"] += 1
        except CallError as error:
            self.answers[error.code().name] += 1
        await asyncio.sleep(0.01)


async def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="matinee-") as parent, ExitStack() as servers:
        folder = Path(parent, "postgresql")
        url = servers.enter_context(postgresql(folder))
        async with running_control(tmp_path, database={"url": url}) as house:
            admin = await house.admin()
            callers = Callers(house, admin)
            played = await house.play(await house.film(), admin)
            async with running(callers.list_titles()), running(callers.sign_in()):
                await until(lambda: callers.answers["OK"] > 10)
                await asyncio.to_thread(kill, folder)
                await until(lambda: callers.answers["UNAVAILABLE"])
                await until(lambda: _is_lost(house))
                await asyncio.sleep(AWAY_SECONDS)
                await asyncio.to_thread(servers.enter_context, postgresql(folder))
                known = callers.answers["OK"]
                async with within(RECOVERY_SECONDS):
                    await until(lambda: callers.answers["OK"] > known + 10)
            async with listening(house) as edge, within(RECOVERY_SECONDS):
                await house.playback.StopPlayback(StopPlaybackRequest(session_id=played.session_id), metadata=admin)
                assert await revoked(edge) == [(played.session_id, STOPPED)]
    assert set(callers.answers) == {"OK", "UNAVAILABLE"}


ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@ON_POSTGRESQL
async def test_a_server_that_falls_silent_and_is_heard_again(tmp_path: Path, database_url: str) -> None:
    async with (
        passage(database_url, tmp_path) as (passed, way),
        running_control(tmp_path, database={"url": passed, "statement_seconds": 5}) as house,
    ):
        callers = Callers(house, await house.admin())
        async with running(callers.list_titles()), running(callers.sign_in()):
            await until(lambda: callers.answers["OK"] > 10)
            way.silence()
            await until(lambda: callers.answers["UNAVAILABLE"] > 10)
            await until(lambda: _is_lost(house))
            way.reopen()
            known = callers.answers["OK"]
            async with within(RECOVERY_SECONDS):
                await until(lambda: callers.answers["OK"] > known + 10)
    assert set(callers.answers) == {"OK", "UNAVAILABLE"}


@ON_POSTGRESQL
async def test_of_two_controls_the_one_that_has_lost_the_server_says_so_and_the_other_serves(
    tmp_path: Path, database_url: str
) -> None:
    async with (
        passage(database_url, tmp_path) as (passed, way),
        running_control(tmp_path, database={"url": passed}) as lost,
        running_control(tmp_path, database={"url": database_url}) as other,
    ):
        assert await is_serving(lost.channel)
        way.shut()
        await until(lambda: _is_lost(lost))
        assert await is_serving(other.channel)
        assert await other.admin()


@ON_POSTGRESQL
async def test_a_server_that_takes_no_changes_is_one_that_is_away(
    tmp_path: Path, database_url: str, server: Server
) -> None:
    async with running_control(tmp_path, database={"url": database_url}) as house:
        callers = Callers(house, await house.admin())
        async with running(callers.list_titles()), running(callers.sign_in()):
            await until(lambda: callers.answers["OK"] > 10)
            await asyncio.to_thread(_fail_over, server, database_url, "SET default_transaction_read_only = on")
            await until(lambda: _is_lost(house))
            with pytest.raises(Unavailable, match="takes no changes at present"):
                await describe(database_url, DatabaseSettings())
            await asyncio.to_thread(_fail_over, server, database_url, "RESET ALL")
            known = callers.answers["OK"]
            async with within(RECOVERY_SECONDS):
                await until(lambda: callers.answers["OK"] > known + 10)
    assert set(callers.answers) == {"OK", "UNAVAILABLE"}


def _fail_over(server: Server, url: str, change: str) -> None:
    """Have a database served in another way, to connections that are made anew."""
    name = make_url(url).database
    server.run(f"ALTER DATABASE {name} {change}")
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


@ON_POSTGRESQL
async def test_who_hangs_does_not_keep_a_role(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_database, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(postgresql_database, "SIGN_SECONDS", 0.1)
    async with passage(database_url, tmp_path) as (passed, way):
        hanging, other = await open_database(passed), await open_database(database_url)
        async with hanging.alone("relay"):
            await asyncio.sleep(1.5 * postgresql_database.SILENT_SECONDS)
            taking = asyncio.create_task(_take(other, "relay"))
            await asyncio.sleep(5 * postgresql_database.SIGN_SECONDS)
            assert not taking.done()
            way.silence()
            await until(taking.done)
            way.reopen()
        await asyncio.gather(hanging.close(), other.close())


async def _take(database: Database, role: str) -> None:
    async with database.alone(role):
        pass


async def _is_lost(house: House) -> bool:
    return not await is_serving(house.channel)
