"""Waiting for a condition, with a deadline, instead of sleeping for a while."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Let other tasks run until the condition holds. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition, not only one that an event tells of
            await asyncio.sleep(0.001)
