"""The executor seam: where spans are encoded. `concurrent.futures.Executor` is the interface.

Work that is submitted is a module-level function with picklable arguments, and idempotent: a cluster may run it twice.
"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor

from matinee.errors import InvalidInput


def open_executor(url: str) -> Executor:
    """Open the executor that `worker.executor` names: `threads://N`, or `threads://` for one per core.

    Each thread minds one ffmpeg child. Raises `InvalidInput` for anything else.
    """
    return ThreadPoolExecutor(places(url), thread_name_prefix="span")


def places(url: str) -> int:
    """How much the executor of this name works on at once. Raises `InvalidInput`."""
    scheme, _, count = url.partition("://")
    if scheme != "threads" or not (count == "" or (count.isdecimal() and int(count) > 0)):
        raise InvalidInput(f"worker.executor {url!r} is not threads:// or threads://N")
    return int(count or os.cpu_count() or 1)
