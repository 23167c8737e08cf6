"""`matinee titles` and `matinee play`."""

import json
from typing import Annotated

import typer
from rich.markup import escape

from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, settings_with
from matinee.cli.tables import STATES, Column, console, duration, moment, plain, show, table

TitleId = Annotated[str, typer.Argument(help="As `matinee titles` shows it.")]
COLUMNS = (
    Column("TITLE"),
    Column("NAME", prose=True),
    Column("STATE"),
    Column("LENGTH", leaves=3),
    Column("SIZE", leaves=2),
    Column("ADDED", leaves=1),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    titles = typer.Typer(invoke_without_command=True)
    titles.callback()(list_titles)
    titles.command("delete")(delete_title)
    app.add_typer(titles, name="titles", help="Look at the titles, or delete one.")
    app.command()(play)


def list_titles(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at the titles, or delete one."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with open_api(settings_with(data)) as api:
        titles = list(api.pages("/titles", "titles"))
    if as_json:
        print(json.dumps([*map(plain, titles)], indent=2))
    else:
        screen = console()
        show(screen, table(COLUMNS, map(row, titles), screen))


def delete_title(title_id: TitleId, data: Data = None, as_json: Json = False) -> None:
    """Remove a title with its media."""
    with open_api(settings_with(data)) as api:
        api.call("DELETE", f"/titles/{title_id}")
    print(json.dumps({"title_id": title_id, "state": "deleted"}) if as_json else f"Deleted {title_id}.")


def play(title_id: TitleId, data: Data = None, as_json: Json = False) -> None:
    """Open a playback session and print its signed URLs."""
    with open_api(settings_with(data)) as api:
        session = api.call("POST", f"/titles/{title_id}:play", {"device": "command line"})
    if as_json:
        print(json.dumps(session))
        return
    print(f"HLS      {session['hls']}")
    print(f"DASH     {session['dash']}")
    print(f"Session  {session['session_id']}, until {moment(session['expires_at'])}")


def row(title: Answer) -> tuple[str, ...]:
    """A title in the columns of the table."""
    size = f"{title['width']}x{title['height']}" if title.get("width") else ""
    length = duration(title["duration_seconds"]) if title.get("duration_seconds") else ""
    return (
        title["title_id"],
        escape(title["name"]),
        STATES[title["state"]],
        length,
        size,
        moment(title.get("created_at")),
    )
