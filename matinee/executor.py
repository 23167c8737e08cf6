"""The executor seam: where spans are encoded. `concurrent.futures.Executor` is the interface.

Work that is submitted is a module-level function with picklable arguments, and idempotent: a cluster may run it twice.
"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor


def open_executor(url: str) -> Executor:
    """Open the executor that `worker.executor` names. Each thread minds one ffmpeg child."""
    return ThreadPoolExecutor(places(url), thread_name_prefix="span")


def places(url: str) -> int:
    """How much the executor of this name works on at once: `threads://N`, or `threads://` for one per core."""
    return int(url.removeprefix("threads://") or os.cpu_count() or 1)
