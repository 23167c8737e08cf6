"""The executor seam: where spans are encoded. `concurrent.futures.Executor` is the interface.

Work that is submitted runs in this process: it is told to stop, and tells how far it is, by calls. It is idempotent,
since what a killed worker had begun is done again.
"""

import os
from concurrent.futures import Executor, ThreadPoolExecutor


def open_executor(url: str) -> Executor:
    """Open the executor that `worker.executor` names. Each thread minds one ffmpeg child."""
    return ThreadPoolExecutor(places(url), thread_name_prefix="span")


def places(url: str) -> int:
    """How much the executor of this name works on at once: `threads://N`, or `threads://` for one per core."""
    return int(url.removeprefix("threads://") or os.cpu_count() or 1)
