"""The command line: `matinee COMMAND`.

Exit status 0, or the one of the error with its sentence on standard error.
"""

import sys

import click
import typer

from matinee.cli import catalogue, demo, doctor, ingest, jobs, services, session
from matinee.errors import MatineeError

app = typer.Typer(
    help="A film goes in, a signed, adaptive, measured stream comes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (services, ingest, catalogue, jobs, session, doctor, demo):
    module.register(app)


def main() -> None:
    """Run the command that the arguments name, and leave with its exit status."""
    try:
        status = app(standalone_mode=False)
    except MatineeError as error:
        print(f"matinee: {error}", file=sys.stderr)
        sys.exit(error.status.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)
