"""`matinee stats`: how titles do, and who watches now."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from matinee.cli.api import Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, plain_id, settings_with
from matinee.cli.tables import Column, console, duration, show, table
from matinee.errors import InvalidInput

TitleId = Annotated[
    str | None, typer.Argument(callback=plain_id, help="Day by day of this title, as `matinee titles` shows it.")
]
Days = Annotated[int, typer.Option(help="So many days up to today (UTC).", min=1, max=400)]
Limit = Annotated[int, typer.Option(help="No more titles than so many.", min=1, max=100)]
Live = Annotated[bool, typer.Option("--live", help="Who watches now.")]
FIGURES = (
    Column("PLAYS"),
    Column("VIEWERS", leaves=9),
    Column("WATCHED"),
    Column("REACHED", leaves=8),
    Column("NO START", leaves=3),
    Column("START-UP", leaves=7),
    Column("STALLS", leaves=2),
    Column("STALLED", leaves=6),
    Column("DROPPED", leaves=4),
    Column("BITRATE", leaves=5),
)
TITLES = (Column("TITLE", leaves=10), Column("NAME", prose=True), *FIGURES)
COUNTS = (
    "plays", "unique_viewers", "reported_sessions", "exits_before_start", "start_failures", "stalls", "dropped_frames",
)  # fmt: skip
"""The JSON of protobuf has these as texts."""
DAYS = (Column("DAY"), *FIGURES)
AUDIENCE = (Column("TITLE", leaves=1), Column("NAME", prose=True), Column("VIEWERS"))


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(stats)


def stats(
    title_id: TitleId = None,
    *,
    days: Days = 28,
    limit: Limit = 24,
    live: Live = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look at how titles do: the most played of the last days, one day by day, or who watches now. For publishers."""
    if live and title_id:
        raise InvalidInput("--live is of all titles: name no title")
    with open_api(settings_with(data)) as api:
        if live:
            answer, columns, rows = _audience(api)
        elif title_id:
            answer, columns, rows = _days(api, title_id, days)
        else:
            answer, columns, rows = _titles(api, days, limit)
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        screen = console()
        show(screen, table(columns, rows, screen))


Shown = tuple[Answer, tuple[Column, ...], list[tuple[str, ...]]]
"""What the API said, and a table of it."""


def _audience(api: Api) -> Shown:
    answer = api.call("GET", "/audience")
    rows = [(one["title_id"], escape(one["title_name"]), str(one["viewers"])) for one in answer["titles"]]
    return answer, AUDIENCE, [*rows, ("", "all together", str(answer["viewers"]))]


def _days(api: Api, title_id: str, days: int) -> Shown:
    answer = api.call("GET", f"/titles/{title_id}/statistics", from_day=_first(days))
    rows = [(day["day"], *figures(day["statistics"])) for day in answer["days"]]
    counts = {"total": counted(answer["total"]), "days": [_counted(day) for day in answer["days"]]}
    return answer | counts, DAYS, [*rows, ("all together", *figures(answer["total"]))]


def _titles(api: Api, days: int, limit: int) -> Shown:
    answer = api.call("GET", "/statistics", from_day=_first(days), page_size=limit)
    rows = [(one["title_id"], escape(one["title_name"]), *figures(one["statistics"])) for one in answer["titles"]]
    counts = {"total": counted(answer["total"]), "titles": [_counted(one) for one in answer["titles"]]}
    return answer | counts, TITLES, [*rows, ("", "all together", *figures(answer["total"]))]


def counted(told: Answer) -> Answer:
    """Statistics as scripts read them."""
    return told | {name: int(told[name]) for name in COUNTS}


def _counted(row: Answer) -> Answer:
    return row | {"statistics": counted(row["statistics"])}


def figures(told: Answer) -> tuple[str, ...]:
    """Statistics in the columns of the tables; what nobody reported is left empty."""
    reported = int(told["reported_sessions"]) > 0
    return (
        f"{int(told['plays']):,}",
        f"{int(told['unique_viewers']):,}",
        duration(told["watch_seconds"]),
        f"{told['completion']:.0%}",
        f"{int(told['exits_before_start']) + int(told['start_failures']):,}" if reported else "",
        f"{told['startup_seconds']:.2f} s" if told["startup_seconds"] else "",
        f"{int(told['stalls']):,}" if reported else "",
        f"{told['rebuffer_ratio']:.2%}" if reported else "",
        f"{int(told['dropped_frames']):,}" if reported else "",
        f"{told['average_bitrate'] / 1e6:.1f} Mbit/s" if told["average_bitrate"] else "",
    )


def _first(days: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days - 1)).isoformat()
