"""Work that goes on only while a watch does not raise: that the lease holds, or that nobody has said stop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

Answer = TypeVar("Answer")


async def watched(work: Coroutine[Any, Any, Answer], watch: Coroutine[Any, Any, NoReturn]) -> Answer:
    """The answer of `work`; when `watch` raises first, `work` is cancelled, and its end waited for."""
    tasks = working, watching = asyncio.create_task(work), asyncio.create_task(watch)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else watching.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
