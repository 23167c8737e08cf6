"""Logs on a real terminal: whatever a text holds, it is shown and not obeyed."""

import os
import pty
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr

import pytest
import structlog

from matinee.telemetry.logs import configure_logging, quiet_logging

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ORDERS = "/api/\x1b]0;owned\x07\x1b[2J\x9b2J\u202e"

END = "[end of what is looked at]"

Lines = Callable[[], list[str]]


@contextmanager
def terminal() -> Iterator[Lines]:
    """Lets standard error be a terminal; gives what it was sent, without our own colours."""
    before = structlog.get_config()
    ours, its = pty.openpty()
    with os.fdopen(its, "w") as stderr, os.fdopen(ours, "rb", buffering=0) as screen, redirect_stderr(stderr):

        def lines() -> list[str]:
            print(END, file=stderr, flush=True)
            sent = b""
            while not sent.endswith(END.encode() + b"\r\n"):  # a terminal passes on what it is sent piece by piece
                sent += screen.read(65_536)
            return COLOURS.sub("", sent.decode()).split("\r\n")[:-2]

        try:
            yield lines
        finally:
            structlog.contextvars.clear_contextvars()
            structlog.configure(**before)


def as_a_value() -> None:
    structlog.get_logger().info("request", path=ORDERS)


def as_a_bound_value() -> None:
    structlog.get_logger().bind(path=ORDERS).info("request")


def as_the_event() -> None:
    structlog.get_logger().info(ORDERS)


def in_a_traceback() -> None:
    try:
        raise ValueError(ORDERS)
    except ValueError:
        structlog.get_logger().exception("request failed")


@pytest.mark.parametrize("log", [as_a_value, as_a_bound_value, as_the_event, in_a_traceback])
def test_what_a_terminal_would_obey_is_escaped(log: Callable[[], None]) -> None:
    with terminal() as lines:
        configure_logging("edge")
        log()
        said = lines()
    assert all(line.isprintable() for line in said)
    assert r"/api/\x1b]0;owned\x07\x1b[2J\x9b2J\u202e" in "".join(said)


def test_the_warnings_of_a_command_are_escaped_too() -> None:
    with terminal() as lines:
        quiet_logging()
        structlog.get_logger().warning("odd", reason=ORDERS)
        (line,) = lines()
    assert line.isprintable()


def test_a_line_break_in_a_text_makes_no_line_of_its_own() -> None:
    with terminal() as lines:
        configure_logging("edge")
        structlog.get_logger().info("request", path="/api/x\n[error] fake")
        assert len(lines()) == 1


def test_texts_of_any_script_are_shown_as_they_are() -> None:
    with terminal() as lines:
        configure_logging("edge")
        structlog.get_logger().info("request", path="/watch/Солярис")
        (line,) = lines()
    assert "path=/watch/Солярис" in line


def test_a_module_that_logged_while_a_command_began_logs_as_the_service_does() -> None:
    with terminal() as lines:
        quiet_logging()
        log = structlog.get_logger("of a module")
        log.info("in the command")
        configure_logging("worker")
        log.info("in the service")
        [line] = lines()
    assert "in the service" in line
