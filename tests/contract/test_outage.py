"""PostgreSQL goes away under load: callers are told so, nothing is said to be wrong, and all goes on by itself."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from matinee.rpc import CallError
from protos.v1.auth_pb2 import GetKeysRequest
from protos.v1.catalogue_pb2 import ListTitlesRequest
from protos.v1.playback_pb2 import ConnectResponse, StopPlaybackRequest
from tests.control_house import House, Metadata, running_control
from tests.edge_desk import running
from tests.patience import until, within
from tests.services.postgresql import kill, postgresql

pytestmark = pytest.mark.anyio

AWAY_SECONDS = 2.0


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
    with tempfile.TemporaryDirectory(prefix="matinee-") as parent:
        folder = Path(parent, "postgresql")
        with postgresql(folder) as url:
            async with running_control(tmp_path, database={"url": url}) as house:
                admin = await house.admin()
                callers = Callers(house, admin)
                played = await house.play(await house.film(), admin)
                async with running(callers.list_titles()), running(callers.sign_in()):
                    await until(lambda: callers.answers["OK"] > 10)
                    await asyncio.to_thread(kill, folder)
                    await asyncio.sleep(AWAY_SECONDS)
                    assert callers.answers["UNAVAILABLE"] > 0
                    await house.auth.GetKeys(GetKeysRequest(), metadata=house.service)
                    again = postgresql(folder)
                    await asyncio.to_thread(again.__enter__)
                    known = callers.answers["OK"]
                    async with within(5):
                        await until(lambda: callers.answers["OK"] > known + 10)
                edge = house.edges.Connect(metadata=house.service)
                await edge.read()
                async with within(5):
                    await house.playback.StopPlayback(StopPlaybackRequest(session_id=played.session_id), metadata=admin)
                    response = await edge.read()
                    assert isinstance(response, ConnectResponse)
                    assert response.revoked[0].session_id == played.session_id
    assert set(callers.answers) == {"OK", "UNAVAILABLE"}
