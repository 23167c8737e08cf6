"""PostgreSQL is away, and back: what everybody says who is asked whether all is well, and what goes on."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from matinee.rpc.channel import is_serving, open_control
from tests.patience import until, within
from tests.playhouse import Playhouse, audience, opened
from tests.ports import free_port
from tests.services.postgresql import kill, postgresql

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

RECOVERY_SECONDS = 5


class Operator:
    """Somebody who asks the operators' doors of control and edge."""

    def __init__(self, house: Playhouse, ports: dict[str, int]) -> None:
        self.house = house
        self.ports = ports

    async def statuses(self, path: str) -> dict[str, int]:
        """How each door answers, and the public one of the edge."""
        doors = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = {name: await client.get(f"{door}{path}") for name, door in doors.items()}
        answers["door"] = await self.house.client.get(path)
        return {name: answer.status_code for name, answer in answers.items()}

    async def dependencies(self) -> dict[str, str]:
        """What control says of what it leans on."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self.ports['control']}/readyz")
        return dict(answer.json()["dependencies"])

    async def all_say(self, status: HTTPStatus) -> bool:
        """Whether everybody says this of its readiness, and control the same by gRPC."""
        async with open_control(self.house.settings) as channel:
            serves = await is_serving(channel)
        said = set((await self.statuses("/readyz")).values())
        return said == {status} and serves is (status is HTTPStatus.OK)


@pytest.fixture
async def folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="matinee-") as parent:
        yield Path(parent, "postgresql")


async def test_while_it_is_away_nobody_is_ready_everybody_lives_and_who_watches_goes_on(
    tmp_path: Path, folder: Path
) -> None:
    ports = {"control": free_port("127.0.0.1"), "edge": free_port("127.0.0.1")}
    doors = {f"ADMIN__{name.upper()}_PORT": str(port) for name, port in ports.items()}
    with ExitStack() as servers:
        url = servers.enter_context(postgresql(folder))
        async with opened(tmp_path, DATABASE__URL=url, ADMIN__HOST="127.0.0.1", **doors) as house:
            operator = Operator(house, ports)
            await until(lambda: operator.all_say(HTTPStatus.OK))
            watched, new = await house.play(), await house.play()
            assert (await house.client.get(f"{watched}v360.mp4")).status_code == HTTPStatus.OK
            async with audience(house) as viewers:
                await until(lambda: viewers.answers["200"] > 20)
                await asyncio.to_thread(kill, folder)
                await until(lambda: operator.all_say(HTTPStatus.SERVICE_UNAVAILABLE))
                assert "database does not answer" in (await operator.dependencies())["database"]
                assert set((await operator.statuses("/healthz")).values()) == {HTTPStatus.OK}
                refused = await house.client.get("/api/v1/titles", headers=house.bearer)
                assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
                assert refused.json()["detail"] == "control does not serve at present; try again"
                assert "retry-after" in refused.headers
                assert (await house.client.get(f"{new}v360.mp4")).status_code == HTTPStatus.SERVICE_UNAVAILABLE
                seen = viewers.answers.total()
                await until(lambda: viewers.answers.total() > seen + 100)
                await asyncio.to_thread(servers.enter_context, postgresql(folder))
                async with within(RECOVERY_SECONDS):
                    await until(lambda: operator.all_say(HTTPStatus.OK))
                    await until(lambda: _answers(house, new))
            assert viewers.answers.keys() <= {"200", "404", "503"}
            assert (await house.client.get(f"{watched}v360.mp4")).status_code == HTTPStatus.OK


async def _answers(house: Playhouse, folder: str) -> bool:
    """Whether who plays something new is served, and the API answers."""
    media = await house.client.get(f"{folder}v360.mp4")
    titles = await house.client.get("/api/v1/titles", headers=house.bearer)
    return media.is_success and titles.is_success
