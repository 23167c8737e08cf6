"""How services stop: first they are not ready, then what is in flight ends; a second signal waits for nothing."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from tests.patience import until, wait_until
from tests.playhouse import Playhouse, opened
from tests.ports import free_port
from tests.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture
async def slow_house(tmp_path: Path) -> AsyncIterator[Playhouse]:
    """A house whose edge leaves balancers a long time to turn away."""
    ports = {f"ADMIN__{name}_PORT": str(free_port("127.0.0.1")) for name in ("EDGE", "CONTROL")}
    async with opened(tmp_path, HTTP__DRAIN_SECONDS="600", ADMIN__HOST="127.0.0.1", **ports) as house:
        yield house


async def test_a_door_that_will_close_says_so_and_serves_on(slow_house: Playhouse) -> None:
    signed = await slow_house.play()
    assert await slow_house.ready()
    slow_house.running["edge"].send_signal(signal.SIGTERM)
    await until(lambda: _refused(slow_house.client))
    assert (await slow_house.client.get("/readyz")).json()["detail"] == "it is stopping"
    assert (await slow_house.client.get("/healthz")).status_code == HTTPStatus.OK
    assert (await slow_house.client.get(signed + "main.m3u8")).status_code == HTTPStatus.OK
    assert (await slow_house.client.get("/api/v1/titles", headers=slow_house.bearer)).status_code == HTTPStatus.OK


async def test_a_second_signal_ends_a_service_at_once(slow_house: Playhouse) -> None:
    slow_house.running["edge"].send_signal(signal.SIGTERM)
    await until(lambda: _refused(slow_house.client))
    async with asyncio.timeout(30):
        assert await slow_house.end("edge") == 128 + signal.SIGTERM


async def test_an_edge_without_control_lives_and_says_what_it_lacks(slow_house: Playhouse) -> None:
    admin = f"http://127.0.0.1:{slow_house.environment['MATINEE_ADMIN__EDGE_PORT']}"
    await slow_house.end("control", signal.SIGKILL)
    async with httpx.AsyncClient(base_url=admin, trust_env=False) as operator:
        await until(lambda: _refused(operator))
        told = (await operator.get("/readyz")).json()
        assert told["dependencies"]["store"] == "up"
        assert [fault.partition(":")[0] for fault in told["faults"]] == ["control"]
        assert (await operator.get("/healthz")).status_code == HTTPStatus.OK
        await slow_house.start("control")
        await until(lambda: _ready(operator))


def test_a_second_signal_ends_a_whole_house_at_once(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", HTTP__DRAIN_SECONDS="600") as stack:
        stack.process.send_signal(signal.SIGINT)
        wait_until(lambda: httpx.get(f"{stack.url}/readyz", trust_env=False).status_code == 503, reproach=stack.log)
        stack.process.send_signal(signal.SIGINT)
        try:
            assert stack.process.wait(30) == 0
        except subprocess.TimeoutExpired:
            stack.process.kill()
            raise


async def _refused(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == HTTPStatus.OK
