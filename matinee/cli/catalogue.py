"""`matinee titles` and `matinee play`: what there is, and how it is found."""

import json
from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer
from rich.markup import escape

from matinee.cli import editing, versions
from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, TitleId, pass_on, settings_with
from matinee.cli.tables import STATES, Column, console, duration, kind_word, moment, plain, show, table


class State(StrEnum):
    """Which titles, by their state."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Order(StrEnum):
    """The orders of the titles; the newest come first unless one is named."""

    NAME = "name"
    YEAR = "year"
    NUMBER = "number"


Query = Annotated[str, typer.Argument(help="Words; every one must occur, the last one may be a beginning.")]
Kind = Annotated[editing.Kind | None, typer.Option(help="Only titles of this kind.", show_default=False)]
Genre = Annotated[str, typer.Option(help="Only titles of this genre.", show_default=False)]
Tag = Annotated[str, typer.Option(help="Only titles with this tag.", show_default=False)]
Language = Annotated[str, typer.Option(help="Only titles with sound in this language (ISO 639-2).", show_default=False)]
YearFrom = Annotated[int, typer.Option(help="Only what was released in this year or later.", show_default=False)]
YearTo = Annotated[int, typer.Option(help="Only what was released in this year or before.", show_default=False)]
Age = Annotated[int, typer.Option(help="Only what is meant for this age.", show_default=False)]
Parent = Annotated[str, typer.Option(help="Only what belongs to this series or season.", show_default=False)]
InState = Annotated[State | None, typer.Option(help="Only titles of this state.", show_default=False)]
InOrder = Annotated[Order | None, typer.Option(help="Newest first unless given.", show_default=False)]
Limit = Annotated[int | None, typer.Option(help="No more than so many.", min=1, show_default=False)]

COLUMNS = (
    Column("TITLE"),
    Column("NAME", prose=True),
    Column("STATE", leaves=6),
    Column("KIND", leaves=2),
    Column("YEAR", leaves=1),
    Column("LENGTH", leaves=5),
    Column("SIZE", leaves=4),
    Column("ADDED", leaves=3),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module, and of those about one title."""
    titles = typer.Typer(invoke_without_command=True)
    titles.callback()(list_titles)
    titles.command("search")(search)
    titles.command("show")(show_title)
    editing.register(titles)
    versions.register(titles)
    app.add_typer(titles, name="titles", help="Look at the titles, find and change them.")
    app.command()(play)


def list_titles(
    context: typer.Context,
    *,
    kind: Kind = None,
    genre: Genre = "",
    tag: Tag = "",
    language: Language = "",
    year_from: YearFrom = 0,
    year_to: YearTo = 0,
    age: Age = 0,
    parent_id: Parent = "",
    state: InState = None,
    order: InOrder = None,
    limit: Limit = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look at the titles, find and change them."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    query: dict[str, str | int] = {
        "kind": f"TITLE_KIND_{kind.name}" if kind else "",
        "state": f"TITLE_STATE_{state.name}" if state else "",
        "order": f"TITLE_ORDER_{order.name}" if order else "",
        "genre": genre,
        "tag": tag,
        "language": language,
        "parent_id": parent_id,
        "year_from": year_from,
        "year_to": year_to,
        "age": age,
    }
    asked = {name: value for name, value in query.items() if value}
    with open_api(settings_with(data)) as api:
        _print_titles(islice(api.pages("/titles", "titles", **asked), limit), as_json=as_json)


def search(query: Query, *, limit: Limit = None, data: Data = None, as_json: Json = False) -> None:
    """Find titles by words of their names, synopses, cast, genres and tags; the best match comes first."""
    with open_api(settings_with(data)) as api:
        _print_titles(islice(api.pages("/titles:search", "titles", query=query), limit), as_json=as_json)


def show_title(title_id: TitleId, data: Data = None, as_json: Json = False) -> None:
    """Show all that is known of a title."""
    with open_api(settings_with(data)) as api:
        title = plain(api.call("GET", f"/titles/{title_id}")["title"])
    if as_json:
        print(json.dumps(title))
        return
    title["cast"] = [
        f"{member['name']} ({member['role']})" if member["role"] else member["name"] for member in title["cast"]
    ]
    rows = [
        (name, escape(", ".join(value) if isinstance(value, list) else str(value)))
        for name, value in title.items()
        if value
    ]
    screen = console()
    show(screen, table((Column("FIELD"), Column("VALUE", prose=True)), rows, screen))


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
    if session["resume_seconds"]:
        print(f"Go on    at {duration(session['resume_seconds'])}")


def _print_titles(titles: Iterable[Answer], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([*map(plain, titles)], indent=2))
    else:
        screen = console()
        show(screen, table(COLUMNS, map(row, titles), screen))


def row(title: Answer) -> tuple[str, ...]:
    """A title in the columns of the table."""
    size = f"{title['width']}x{title['height']}" if title.get("width") else ""
    length = duration(title["duration_seconds"]) if title.get("duration_seconds") else ""
    return (
        title["title_id"],
        escape(title["name"]),
        STATES[title["state"]],
        kind_word(title.get("kind", "")),
        str(title.get("year") or ""),
        length,
        size,
        moment(title.get("created_at")),
    )
