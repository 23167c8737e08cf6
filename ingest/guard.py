"""Work that goes on only while something else holds."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

Answer = TypeVar("Answer")


async def guarded(work: Coroutine[Any, Any, Answer], guard: Coroutine[Any, Any, NoReturn]) -> Answer:
    """The answer of `work`; when `guard` raises first, `work` is cancelled, and its end waited for."""
    tasks = working, watching = asyncio.create_task(work), asyncio.create_task(guard)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else watching.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
