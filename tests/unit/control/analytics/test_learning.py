"""Learning in a process of its own."""

import asyncio
import os
from array import array
from pathlib import Path

import pytest

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


async def test_who_no_longer_waits_ends_it() -> None:
    before = children()
    waiting = asyncio.create_task(learning.learn(PAIRS, ["first", "second"]))
    await until(lambda: children() > before)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert children() == before


def children() -> set[str]:
    """The process ids of our children."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
