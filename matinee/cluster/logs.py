"""What Dask logs, in our logs: one structured line each, of errors alone.

What it warns of otherwise, that a worker or a scheduler has gone, we say in our own words.
"""

import asyncio
import logging

import structlog
from typing_extensions import override

OF_DASK = ("distributed", "distributed.client")
"""The loggers to which importing Dask gives handlers of their own."""

log = structlog.get_logger()


class _Passing(logging.Handler):
    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, asyncio.CancelledError):  # what was under way when a connection ended
            log.error("dask", said=record.getMessage(), reason=error and repr(error))


def take_over_logs() -> None:
    """Have errors of Dask logged as ours are."""
    for name in OF_DASK:
        logger = logging.getLogger(name)
        logger.handlers = [_Passing()]
        logger.setLevel(logging.ERROR)
