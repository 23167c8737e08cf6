"""Followers: work that goes on beside services until somebody cancels it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def following(work: Coroutine[Any, Any, None]) -> None:
    """Do this work, for a task of its own. Raises what it raises, and `RuntimeError` when it ends cancelled by nobody.

    A task group takes a cancelled task for one that somebody has ended, and says nothing. But libraries await tasks
    that they have cancelled themselves: whoever calls one of them then ends too, and nobody would notice.
    """
    task = asyncio.current_task()
    try:
        await work
    except asyncio.CancelledError as error:
        if task and task.cancelling():
            raise
        raise RuntimeError(f"{work} was cancelled by nobody") from error
