"""The command line: `matinee COMMAND`.

Exit status 0, or the one of the error with its sentence on standard error.
"""

import errno
import io
import os
import re
import sys
from typing import Annotated

import typer

import matinee
from matinee.cli import (
    catalogue,
    demo,
    doctor,
    events,
    ingest,
    jobs,
    plans,
    recommendations,
    services,
    session,
    statistics,
    storage,
    subscriptions,
    users,
)
from matinee.errors import MatineeError
from matinee.telemetry.logs import quiet_logging

app = typer.Typer(
    help="A film goes in, a signed, adaptive, measured stream comes out.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"matinee {matinee.__version__}")
        raise typer.Exit


USAGE = 2
"""Exit status of a command that is not used as its help says."""
UNWRITTEN = 74
"""Exit status of a command whose output there is no room for (EX_IOERR of sysexits.h)."""
INTERRUPTED = 130
"""Exit status after Ctrl-C."""
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
PRIVATE = 0o077
"""The umask of every command: what services and commands write is for their own account on the machine alone."""

for module in (
    services, ingest, catalogue, jobs, users, plans, subscriptions, statistics, recommendations, events, storage,
    session, doctor, demo,
):  # fmt: skip
    module.register(app)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Say it.")] = False,
) -> None:
    """A film goes in, a signed, adaptive, measured stream comes out."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command that the arguments name, and leave with its exit status."""
    os.umask(PRIVATE)
    quiet_logging()
    _take_every_character()
    try:
        status = _status(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # who read it has read enough
        _drop_output()
        status = 0
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _drop_output()
        print(f"matinee: not all could be written: {error.strerror}", file=sys.stderr)
        status = UNWRITTEN
    if "obstore" in sys.modules:  # its threads may be at the end of a call, and abort the process when Python is gone
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _status(arguments: list[str]) -> int:
    """Run a command; its exit status, or that of the error whose sentence is printed."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("matinee", arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except MatineeError as error:
        print(f"matinee: {error}", file=sys.stderr)
        return error.status.exit_code
    except typer.TyperException as error:
        sentence = _sentence(error.format_message() if isinstance(error, typer.BadParameter) else str(error))
        print(f"matinee: {sentence.rstrip('.')}: see `matinee --help`", file=sys.stderr)
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    return 0


def _sentence(refusal: str) -> str:
    """Why a value is refused, without the words that pydantic puts before and behind it."""
    return re.sub(r": (Value error, |Input )", ": ", refusal).partition(", unable to parse")[0]


def _take_every_character() -> None:
    """Let every name be printed: of a character that the terminal's encoding does not have, its escape."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Let what is left of the output go nowhere: Python would try to write it once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
