"""The command line: `matinee COMMAND`.

Exit status 0, or the one of the error with its sentence on standard error.
"""

import os
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
from matinee.telemetry import quiet_logging

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
    try:
        status = app(standalone_mode=False)
    except MatineeError as error:
        print(f"matinee: {error}", file=sys.stderr)
        sys.exit(error.status.exit_code)
    except typer.TyperException as error:
        sentence = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        print(f"matinee: {sentence.rstrip('.')}: see `matinee --help`", file=sys.stderr)
        sys.exit(USAGE)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)
