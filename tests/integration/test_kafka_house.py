"""A house whose events go over Kafka: what is played comes to the history, and to a stranger's client."""

import asyncio
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.machine import require
from tests.patience import until
from tests.playhouse import Playhouse, opened
from tests.services.kafka import PASSWORD, USER, Broker, java
from tests.stack import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

DOCUMENTATION = (ROOT / "docs" / "events.md").read_text()
LINES = re.findall(r"^(?:kcat|kafka-\S+\.sh) .*$", DOCUMENTATION, re.MULTILINE)
TOOLS = {
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-consumer-groups.sh": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
}
"""What the scripts of Kafka's distribution run."""


@pytest.fixture(scope="module")
async def house(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, shared_database_url: str
) -> AsyncIterator[Playhouse]:
    settings = {"EVENTS__URL": broker.url, "EVENTS__PREFIX": "matinee.", "DATABASE__URL": shared_database_url}
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
    [program] = re.findall(r"```python\n(import asyncio.*?)```", DOCUMENTATION, re.DOTALL)
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


@pytest.mark.parametrize("line", LINES)
async def test_a_stranger_reads_it_with_every_line_of_the_documentation(
    house: Playhouse, broker: Broker, line: str
) -> None:
    if line.startswith("kcat"):
        require("kcat")
    expected = "matinee.history" if "--describe" in line else house.title_id
    await watch(house)
    process = await asyncio.create_subprocess_exec(*command(line, broker), stdout=subprocess.PIPE)
    assert process.stdout
    try:
        while expected not in (told := (await process.stdout.readline()).decode()):
            assert told, "it ended without a word of it"
    finally:
        with suppress(ProcessLookupError):  # some show what there is and end
            process.kill()
        await process.wait()


def command(line: str, broker: Broker) -> list[str]:
    """A line of the documentation, for our broker. Its output is told line by line, as on a terminal."""
    for said, meant in {
        "broker-1:9092": broker.address,
        "broker-1:9093": broker.secure_url.removeprefix("kafka+ssl://"),
        "authority.pem": str(broker.certificate),
        "=reader": f"={USER}",
        "=PASSWORD": f"={PASSWORD}",
    }.items():
        line = line.replace(said, meant)
    program, *arguments = shlex.split(line)
    return ["stdbuf", "-oL", program, *arguments] if program == "kcat" else java(TOOLS[program], *arguments)


def test_no_two_examples_of_the_documentation_share_a_group() -> None:
    """Whoever runs both would get a part of the events in each."""
    groups = re.findall(r"(?: -G |group_id=\")([^ \"]+)", DOCUMENTATION)
    assert len(groups) == 2
    assert len(set(groups)) == 2


async def test_doctor_says_that_the_cluster_answers(house: Playhouse, broker: Broker) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "matinee", "doctor", env=house.environment, stdout=subprocess.PIPE
    )
    told = (await process.communicate())[0].decode()
    assert f"{broker.url}, cluster" in told
