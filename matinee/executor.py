"""The executor seam: where spans are encoded. `concurrent.futures.Executor` is the interface.

What is submitted gets two calls among its named arguments: by `check` it is told to stop, and by `on_seconds` it tells
how far it is. Threads call them as they are; `matinee.cluster` carries them to another machine and back. Work is
idempotent, since what a killed worker had begun is done again.
"""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

Answer = TypeVar("Answer")

Check = Callable[[], None]
"""What long work calls now and then; it raises `Cancelled` when the work shall stop."""
OnSeconds = Callable[[float], None]
"""Hears how many seconds of output are done."""


def unchecked() -> None:
    """Nobody asks to stop."""


def unheard(seconds: float) -> None:
    """Nobody listens to progress."""


def open_executor(url: str) -> Executor:
    """Threads of this process for what is done here. Each minds one ffmpeg child."""
    return Threads(places(url), thread_name_prefix="span")


class Threads(ThreadPoolExecutor):
    """Threads in which work goes on in the context of whoever submitted it: its log lines have the same request."""

    def submit(self, fn: Callable[..., Answer], /, *args: object, **kwargs: object) -> "Future[Answer]":
        """Have a function called."""
        return super().submit(partial(copy_context().run, fn, *args, **kwargs))


def places(url: str) -> int:
    """How much is worked on at once in this process: N of `threads://N`, or else one thing per core."""
    return int(url.partition("threads://")[2] or os.cpu_count() or 1)


def is_cluster(url: str) -> bool:
    """Whether spans are encoded by a Dask cluster."""
    return url.startswith("dask")
