"""`matinee titles create | edit | publish | unpublish | delete`: what publishers do with a title."""

import json
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from matinee.cli.api import Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, TitleId, settings_with
from matinee.cli.tables import plain
from matinee.cli.words import spoken
from matinee.errors import Conflict


class Kind(StrEnum):
    """The kinds of titles."""

    FILM = "film"
    SERIES = "series"
    SEASON = "season"
    EPISODE = "episode"


From = Annotated[
    datetime | None,
    typer.Option(help="To be watched from then on, as 2026-11-27T20:00 (local time).", show_default=False),
]
Until = Annotated[datetime | None, typer.Option(help="Not to be watched from then on.", show_default=False)]
Name = Annotated[str | None, typer.Option(help="Its name.", show_default=False)]
NewName = Annotated[str, typer.Argument(help="Its name.")]
OfKind = Annotated[Kind, typer.Option(help="What it is.")]
Synopsis = Annotated[str | None, typer.Option(help="What it is about.", show_default=False)]
Parent = Annotated[str | None, typer.Option(help="The series or season that it belongs to.", show_default=False)]
Number = Annotated[int | None, typer.Option(help="Which season or episode, from 1.", show_default=False)]
Genres = Annotated[list[str] | None, typer.Option("--genre", help="May be given several times.", show_default=False)]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="May be given several times.", show_default=False)]
Year = Annotated[int | None, typer.Option(help="Of its release.", show_default=False)]
Language = Annotated[str | None, typer.Option(help="In which it was made (ISO 639-2).", show_default=False)]
Cast = Annotated[list[str] | None, typer.Option(help="NAME or NAME=ROLE, several times.", show_default=False)]
Rating = Annotated[str | None, typer.Option(help="Of the classification board.", show_default=False)]
Age = Annotated[int | None, typer.Option(help="Youngest age that it is meant for.", show_default=False)]
Plan = Annotated[str | None, typer.Option(help="The least plan that may watch it.", show_default=False)]
Always = Annotated[bool, typer.Option("--always-available", help="Take the window of availability away.")]
Force = Annotated[bool, typer.Option("--force", help="Also while it is watched, and with all that belongs to it.")]

WORDS = {
    "parent_id": "--parent-id",
    "genres": "--genre",
    "tags": "--tag",
    "original_language": "--original-language",
    "minimum_age": "--minimum-age",
    "available_from": "--available-from",
    "available_until": "--available-until",
    "plan_id": "--plan-id",
}
"""What the commands call the fields of the API."""


def register(titles: typer.Typer) -> None:
    """Add the commands of this module to the group of titles."""
    titles.command("create")(create)
    titles.command("edit")(edit)
    titles.command("publish")(publish)
    titles.command("unpublish")(unpublish)
    titles.command("delete")(delete)


def create(
    name: NewName,
    *,
    kind: OfKind = Kind.FILM,
    parent_id: Parent = None,
    number: Number = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a title without media: a series, a season, or a draft that waits for `matinee ingest --title-id`."""
    title = {"name": name, "kind": f"TITLE_KIND_{kind.name}", **_given(parent_id=parent_id, number=number)}
    with open_api(settings_with(data)) as api, spoken(WORDS):
        _tell("Created", api.call("POST", "/titles", {"title": title})["title"], as_json=as_json)


def edit(
    title_id: TitleId,
    *,
    name: Name = None,
    synopsis: Synopsis = None,
    parent_id: Parent = None,
    number: Number = None,
    genres: Genres = None,
    tags: Tags = None,
    year: Year = None,
    original_language: Language = None,
    cast: Cast = None,
    rating: Rating = None,
    minimum_age: Age = None,
    available_from: From = None,
    available_until: Until = None,
    always_available: Always = False,
    plan_id: Plan = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change what is given, and nothing else. An empty text takes away; one of `--genre ""` takes all genres away."""
    changes = _given(
        name=name,
        synopsis=synopsis,
        parent_id=parent_id,
        number=number,
        genres=_words(genres),
        tags=_words(tags),
        year=year,
        original_language=original_language,
        cast=cast and {"members": [_member(text) for text in cast if text]},
        rating=rating,
        minimum_age=minimum_age,
        available_from=available_from and available_from.astimezone().isoformat(),
        available_until=available_until and available_until.astimezone().isoformat(),
        clear_availability=always_available or None,
        plan_id=plan_id,
    )
    with open_api(settings_with(data)) as api, spoken(WORDS):
        _tell("Changed", api.call("PATCH", f"/titles/{title_id}", changes)["title"], as_json=as_json)


def publish(title_id: TitleId, data: Data = None, as_json: Json = False) -> None:
    """Show a title to viewers."""
    with open_api(settings_with(data)) as api:
        _tell("Published", api.call("POST", f"/titles/{title_id}:publish", {})["title"], as_json=as_json)


def unpublish(title_id: TitleId, data: Data = None, as_json: Json = False) -> None:
    """Hide a title from viewers; who watches it now may go on."""
    with open_api(settings_with(data)) as api:
        _tell("Hid", api.call("POST", f"/titles/{title_id}:unpublish", {})["title"], as_json=as_json)


def delete(title_id: TitleId, *, force: Force = False, data: Data = None, as_json: Json = False) -> None:
    """Remove a title with its media. Asks first when somebody watches it, or it has seasons or episodes."""
    with open_api(settings_with(data)) as api:
        _delete(api, title_id, force=force)
    print(json.dumps({"title_id": title_id, "state": "deleted"}) if as_json else f"Deleted {title_id}.")


def _delete(api: Api, title_id: str, *, force: bool) -> None:
    try:
        api.call("DELETE", f"/titles/{title_id}", None, **({"force": "true"} if force else {}))
    except Conflict as error:
        if force or not sys.stdin.isatty():
            raise
        typer.confirm(f"{str(error).partition(';')[0]}. Delete it all the same?", abort=True, err=True)
        _delete(api, title_id, force=True)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _words(given: list[str] | None) -> dict[str, list[str]] | None:
    return None if given is None else {"words": [word for word in given if word]}


def _member(text: str) -> dict[str, str]:
    name, _, role = text.partition("=")
    return {"name": name, "role": role}


def _tell(done: str, title: Answer, *, as_json: bool) -> None:
    print(json.dumps(plain(title)) if as_json else f"{done} {title['name']}, title {title['title_id']}.")
