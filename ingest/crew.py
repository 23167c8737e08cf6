"""The blocking work of one attempt, done by an executor, and stopped together."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

from matinee.errors import Cancelled

Answer = TypeVar("Answer")

DISMISS_SECONDS = 2.0
"""How long what cannot be interrupted is waited for."""


class Crew:
    """Submits work to an executor of this machine, and to a cluster where there is one."""

    def __init__(self, executor: Executor, cluster: Executor | None = None) -> None:
        self._executor = executor
        self._cluster = cluster or executor
        self._running: set[Future[Any]] = set()
        self._dismissed = threading.Event()

    def check(self) -> None:
        """Raises `Cancelled` once the crew is dismissed."""
        if self._dismissed.is_set():
            raise Cancelled("the work was cancelled")

    async def run(self, function: Callable[..., Answer], *arguments: object, **named: object) -> Answer:
        """Call a function in the executor, with `check` beside its arguments, and wait for its answer."""
        return await self._call(self._executor, function, *arguments, **named)

    async def run_apart(self, function: Callable[..., Answer], *arguments: object, **named: object) -> Answer:
        """The same in the cluster, to which function and arguments travel."""
        return await self._call(self._cluster, function, *arguments, **named)

    async def _call(
        self, executor: Executor, function: Callable[..., Answer], *arguments: object, **named: object
    ) -> Answer:
        future = executor.submit(function, *arguments, check=self.check, **named)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)

    async def dismiss(self) -> None:
        """Stop everything: what waits is dropped, and what runs ends at its next check."""
        self._dismissed.set()
        ends = [asyncio.wrap_future(future) for future in tuple(self._running) if not future.cancel()]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ends, return_exceptions=True), DISMISS_SECONDS)
