"""The credential of a command: it is renewed in time, whoever else renews it too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

import edge.server
from matinee import instance
from matinee.cli.credential import open_api
from matinee.settings import Settings, load_settings
from tests.control_house import TurnedClock, running_control

pytestmark = pytest.mark.integration

ACCESS_SECONDS = 15 * 60


@dataclass(frozen=True)
class Instance:
    """A real edge and a real control, whose clock can be turned."""

    settings: Settings
    clock: TurnedClock


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Instance]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with running_control(data) as house, asyncio.TaskGroup() as tasks:
        settings = house.settings.model_copy(update={"http": house.settings.http.model_copy(update={"port": 0})})
        secret = settings.service_token_file.read_text()
        stop = asyncio.Event()
        door = edge.server.serve(settings, house.store, house.channel, secret, stop, on_listening=port.set_result)
        tasks.create_task(door)
        address = f"http://127.0.0.1:{await port}"
        announced = load_settings(data=data, http={"public_url": address})
        instance.announce(announced)
        yield Instance(announced, house.clock)
        stop.set()


@pytest.fixture
def running(portal: BlockingPortal, tmp_path: Path) -> Iterator[Instance]:
    with portal.wrap_async_context_manager(serving(tmp_path / "data")) as served:
        yield served


def test_a_command_outlives_its_access_token(running: Instance) -> None:
    with open_api(running.settings) as api:
        for _ in range(2):
            running.clock.turn(ACCESS_SECONDS + 1)
            assert list(api.pages("/jobs", "jobs")) == []
