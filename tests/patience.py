"""Waiting for a condition, with a deadline, instead of sleeping for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from inspect import isawaitable
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

PATIENCE = 60.0
"""Seconds within which anything happens, even on a busy machine."""

TICK_SECONDS = 0.01


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Let other tasks run until the condition holds, which may have to be awaited. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not await _asked(condition):  # noqa: ASYNC110 - any condition, not only one that an event tells of
            await asyncio.sleep(0.002)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """What is done inside takes less than so many seconds.

    They are told by a clock of the event loop, which stands still while a busy machine keeps the loop from running.
    """
    passed = 0

    async def tick() -> None:
        nonlocal passed
        while True:
            await asyncio.sleep(TICK_SECONDS)
            passed += 1

    clock = asyncio.create_task(tick())
    try:
        yield
    finally:
        clock.cancel()
    assert passed * TICK_SECONDS < seconds


class Stopwatch:
    """Tells how many seconds have passed, but for those in which a process's main thread waited for a processor.

    Those a busy machine makes longer. The watch is to be looked at while the process runs.
    """

    def __init__(self, pid: int) -> None:
        self._schedstat = Path(f"/proc/{pid}/schedstat")
        self._waited = self._began = 0.0
        self._began = self.seconds()

    def seconds(self) -> float:
        """So many by now."""
        with suppress(OSError):  # the process has ended, or this is another system than Linux
            self._waited = int(self._schedstat.read_text().split()[1]) / 1e9
        return time.monotonic() - self._waited - self._began


async def _asked(condition: Callable[[], object]) -> object:
    answer = condition()
    return await answer if isawaitable(answer) else answer


def wait_until(
    condition: Callable[[], Answer], seconds: float = PATIENCE, *, reproach: Callable[[], str] = lambda: ""
) -> Answer:
    """Block until the condition holds, and give its answer. Raises `TimeoutError`, with words that `reproach` finds."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it never came true: {reproach()}")
        time.sleep(0.02)
    return answer
