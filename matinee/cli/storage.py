"""`matinee storage`: the bucket that holds uploads, spans and media."""

import json
import math
from dataclasses import asdict

import typer
from rich.markup import escape

from matinee.cli.options import Data, Json, pass_on, settings_with
from matinee.cli.tables import Column, console, show, table
from matinee.errors import InvalidInput
from matinee.layout import SPANS
from matinee.settings import Settings

SPAN_DAYS = 14
"""Spans go with their job; older ones are of a job that nobody waits for, and can be encoded again."""

storage = typer.Typer(help="Look after the object store.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(storage, name="storage")


@storage.callback()
def options(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look after the object store."""
    pass_on(context)


@storage.command()
def setup(data: Data = None, as_json: Json = False) -> None:
    """Make the bucket of store.url what Matinee needs; say what its server cannot do (exit status 1 for a refusal)."""
    from matinee.buckets.bucket import bucket
    from matinee.buckets.setup import Arrangement, set_up  # boto3 takes half a second to import

    settings = settings_with(data)
    if not settings.store_url.startswith("s3://"):
        raise InvalidInput(f"{settings.store_url} is no bucket, and needs no setting up")
    wanted = Arrangement(settings.public_url, abandoned_days(settings), SPANS, SPAN_DAYS)
    measures = list(set_up(bucket(settings.store), wanted))
    if as_json:
        print(json.dumps([asdict(measure) for measure in measures], indent=2))
    else:
        marks = {(True, True): "[green]done[/]", (False, False): "[yellow]left[/]", (False, True): "[red]wrong[/]"}
        rows = [(marks[m.done, m.supported], m.name, escape(m.state)) for m in measures]
        screen = console()
        show(screen, table((Column(""), Column("WHAT"), Column("STATE", prose=True)), rows, screen))
    if not all(measure.done for measure in measures if measure.supported):
        raise typer.Exit(1)


def abandoned_days(settings: Settings) -> int:
    """Whole days after which an upload that nobody continues has surely expired."""
    return math.ceil(settings.uploads.expire_hours / 24) + 1
