"""Learning in a process of its own."""

import asyncio
import os
import re
from array import array
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from control.analytics import affinity, learning
from matinee.errors import MatineeError, ResourceExhausted
from tests.patience import until

pytestmark = pytest.mark.anyio

PAIRS = array("q", [0, 0, 0, 1, 1, 0, 1, 1, 2, 0])
"""Two accounts that watched both titles, and one that watched the first."""


async def test_what_is_learnt_there_is_what_would_be_learnt_here() -> None:
    learnt = affinity.decode(await learning.learn(PAIRS, ["first", "second"]))
    assert [each.title_id for each in learnt.suggest(["first"], frozenset())] == ["second"]


async def test_nothing_is_learnt_from_nothing() -> None:
    assert affinity.decode(await learning.learn(array("q"), [])).title_ids == ()


async def test_a_lack_of_memory_ends_that_process_alone_and_says_what_helps() -> None:
    with pytest.raises(ResourceExhausted, match=r"1000000 titles: lower recommendations\.most_titles"):
        await learning.learn(PAIRS, [str(number) for number in range(1_000_000)])


async def test_any_other_failure_is_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MatineeError, match="see the log of control"):
        await learning.learn(array("q", [0]), ["half a pair"])
    assert "ValueError" in capfd.readouterr().err


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    ("death", "told"), [("exit 7", "failed with exit status 7"), ("kill -TERM $$", "was ended by signal 15")]
)
def test_one_that_dies_before_it_is_fed_says_how(
    monkeypatch: pytest.MonkeyPatch, loop: Callable[[], asyncio.AbstractEventLoop], death: str, told: str
) -> None:
    spawn = asyncio.create_subprocess_exec

    async def spawn_and_see_it_die(*command: str, **pipes: Any) -> Process:
        process = await spawn(*command, **pipes)
        await process.wait()
        return process

    monkeypatch.setattr(learning, "COMMAND", ("/bin/sh", "-c", death))
    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn_and_see_it_die)
    with (
        asyncio.Runner(loop_factory=loop) as runner,
        pytest.raises(MatineeError, match=f"^the process that learns {re.escape(told)}: see the log of control$"),
    ):
        runner.run(learning.learn(PAIRS, ["first", "second"]))


async def test_who_no_longer_waits_ends_it() -> None:
    before = children()
    waiting = asyncio.create_task(learning.learn(PAIRS, ["first", "second"]))
    await until(lambda: children() - before)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children() <= before


def children() -> set[str]:
    """The process ids of our children."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
