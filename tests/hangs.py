"""What a test waited for that is about to be ended for taking too long.

pytest-timeout tells the stacks of threads, in processes of pytest-xdist to nobody; and that of a loop ends at its
selector, whatever its tasks wait for.
"""

import asyncio
import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import pytest

EARLIER_SECONDS = 5.0
STANDARD_ERROR = 2

loops: list[asyncio.AbstractEventLoop] = []
"""Those in which tests run."""


@contextmanager
def told(item: pytest.Item) -> Iterator[None]:
    """What it waits for is told when a test is not done soon before its timeout."""
    seconds = _timeout(item)
    if not seconds:  # nobody ends it
        yield
        return
    timer = Timer(max(seconds - EARLIER_SECONDS, seconds / 2), _tell, [item])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _timeout(item: pytest.Item) -> float:
    """After how many seconds pytest-timeout ends a test; 0: never."""
    marker, given = item.get_closest_marker("timeout"), item.config.getoption("timeout")
    usual = item.config.getini("timeout") if given is None else given
    return float(marker.args[0] if marker else usual)


def _tell(item: pytest.Item) -> None:
    capture = item.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():  # otherwise it would be lost with the process
        os.write(STANDARD_ERROR, f"\n{item.nodeid} hangs:\n{_tasks()}".encode())
        faulthandler.dump_traceback(STANDARD_ERROR)


def _tasks() -> str:
    """Where each task of the loops waits, from the outside in; `Task.print_stack` knows no more than the first line."""
    tasks = [task for loop in loops for task in asyncio.all_tasks(loop)]
    return "".join(f"{task.get_name()}\n{''.join(_lines(task.get_coro()))}" for task in tasks)


def _lines(coroutine: Any) -> Iterator[str]:
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}\n"
        coroutine = coroutine.cr_await
