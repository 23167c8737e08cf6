"""Logs: one structured line an event, on standard error. Readable on a terminal, JSON elsewhere."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor
from typing_extensions import override

from matinee.settings import LogSettings


def quiet_logging() -> None:
    """Leave standard output to what a command says; only warnings are logged, on standard error."""
    _configure(sys.stderr, logging.WARNING, printable, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(cache_logger_on_first_use=False)  # a service that begins as a command goes on in its own way


def configure_logging(service: str, settings: LogSettings | None = None, output: TextIO | None = None) -> None:
    """Send the logs of this process to `output`, or standard error; each line has the name of the service."""
    settings, output = settings or LogSettings(), output or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    if settings.format == "text" or (settings.format == "auto" and output.isatty()):
        _configure(output, level, printable, structlog.dev.ConsoleRenderer(colors=output.isatty()))
    else:
        _configure(output, level, structlog.processors.JSONRenderer())
    structlog.contextvars.bind_contextvars(service=service)


class _Passing(logging.Handler):
    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or False
            )
        except Exception:  # noqa: BLE001 - whoever logs is not to hear of it
            self.handleError(record)


def take_over_logging() -> None:
    """Have what libraries warn of logged as ours is, with the name of their logger."""
    logging.basicConfig(handlers=[_Passing()], level=logging.WARNING)


def printable(_: object, __: str, event: EventDict) -> EventDict:
    """Escape what a terminal would obey, or show as another text: it can come from a URL."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()}


def _escaped(text: str) -> str:
    """Line breaks stay: a traceback has them, and elsewhere the renderer quotes a text that does."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def _configure(output: TextIO, level: int, *last: Processor) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
