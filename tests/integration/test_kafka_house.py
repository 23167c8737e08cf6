"""A house whose events go over Kafka: what is played comes to the history, and to a stranger's client."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.patience import until
from tests.playhouse import Playhouse, opened
from tests.services.kafka import Broker
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> AsyncIterator[Playhouse]:
    settings = {"EVENTS__URL": broker.url, "EVENTS__PREFIX": "matinee."}
    async with opened(tmp_path_factory.mktemp("house"), **settings) as house:
        yield house


async def watch(house: Playhouse) -> str:
    """Play the film to its third second, and give the id of the session."""
    played = await house.client.post(house.play_path, headers=house.bearer)
    session = f"/api/v1/playback/{played.json()['session_id']}"
    for call, position in (("report", 0.0), ("pause", 3.0)):
        body = {"position_seconds": position}
        assert (await house.client.post(f"{session}:{call}", json=body, headers=house.bearer)).status_code == 200
    return str(played.json()["session_id"])


def example() -> str:
    """The Python of docs/events.md that somebody else would begin with."""
    [program] = re.findall(r"```python\n(import asyncio.*?)```", (ROOT / "docs" / "events.md").read_text(), re.DOTALL)
    return str(program)


async def test_what_is_played_comes_to_the_history(house: Playhouse) -> None:
    await watch(house)

    async def known() -> bool:
        answer = await house.client.get("/api/v1/history", headers=house.bearer)
        return any(entry["title"]["title_id"] == house.title_id for entry in answer.json()["entries"])

    await until(known)


async def test_a_stranger_reads_what_was_played_with_the_example_of_the_documentation(
    house: Playhouse, broker: Broker, tmp_path: Path
) -> None:
    program = tmp_path / "consume.py"
    program.write_text(example())
    await watch(house)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env={"BROKERS": broker.address}, stdout=subprocess.PIPE
    )
    assert process.stdout
    line = (await process.stdout.readline()).decode()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert line.split()[1:] == ["dev.matinee.movie-played.v1", house.title_id]


async def test_doctor_says_that_the_cluster_answers(house: Playhouse, broker: Broker) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "matinee", "doctor", env=house.environment, stdout=subprocess.PIPE
    )
    told = (await process.communicate())[0].decode()
    assert f"{broker.url}, cluster" in told
