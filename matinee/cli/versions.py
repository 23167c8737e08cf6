"""`matinee titles versions | rollback | artwork`: the media of a title, and its pictures."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, TitleId, plain_id, settings_with
from matinee.cli.tables import Column, console, duration, moment, show, table
from matinee.errors import Conflict, InvalidInput


class Picture(StrEnum):
    """The pictures of a title."""

    POSTER = "poster"
    BACKDROP = "backdrop"


Asset = Annotated[
    str | None,
    typer.Option("--to", callback=plain_id, help="A version; default: the newest before.", show_default=False),
]
Deleted = Annotated[
    str | None, typer.Option("--delete", callback=plain_id, help="Remove this version.", show_default=False)
]
PictureFile = Annotated[Path, typer.Argument(help="A JPEG, PNG or WebP of 4 MiB at most.")]
As = Annotated[Picture, typer.Option("--as", help="What it is for.")]

COLUMNS = (
    Column("VERSION"),
    Column("PLAYED"),
    Column("LENGTH"),
    Column("SIZE"),
    Column("MB"),
    Column("MADE", leaves=1),
)


def register(titles: typer.Typer) -> None:
    """Add the commands of this module to the group of titles."""
    titles.command("versions")(versions)
    titles.command("rollback")(rollback)
    titles.command("artwork")(artwork)


def versions(title_id: TitleId, *, deleted: Deleted = None, data: Data = None, as_json: Json = False) -> None:
    """Look at the versions of a title's media, or remove one that is not played."""
    with open_api(settings_with(data)) as api:
        if deleted is not None:
            api.call("DELETE", f"/titles/{title_id}/assets/{deleted}")
        found = api.call("GET", f"/titles/{title_id}/assets")["assets"]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    screen = console()
    show(screen, table(COLUMNS, map(row, found), screen))


def rollback(title_id: TitleId, *, to: Asset = None, data: Data = None, as_json: Json = False) -> None:
    """Play another version from now on. Who watches a title goes on with the version that it began with."""
    with open_api(settings_with(data)) as api:
        asset_id = to or earlier(api.call("GET", f"/titles/{title_id}/assets")["assets"])
        title = api.call("POST", f"/titles/{title_id}/assets/{asset_id}:activate", {})["title"]
    shown = {"title_id": title_id, "asset_id": asset_id}
    print(json.dumps(shown) if as_json else f"{title['name']} is played in version {asset_id}.")


def artwork(
    title_id: TitleId, picture: PictureFile, *, kind: As = Picture.POSTER, data: Data = None, as_json: Json = False
) -> None:
    """Make a picture the poster, or the backdrop, of a title."""
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{picture} cannot be read: {error.strerror}") from error
    with open_api(settings_with(data)) as api:
        title = api.send("PUT", f"/titles/{title_id}/{kind.value}", content)["title"]
    version = title[f"{kind.value}_version"]
    shown = {"title_id": title_id, f"{kind.value}_version": version}
    print(json.dumps(shown) if as_json else f"{title['name']} has a new {kind.value}.")


def earlier(assets: list[Answer]) -> str:
    """The newest version before the one that is played. Raises `Conflict` when there is none."""
    played = next((number for number, asset in enumerate(assets) if asset["active"]), len(assets))
    if played + 1 >= len(assets):
        raise Conflict("there is no version before the one that is played; name one with --to")
    return str(assets[played + 1]["asset_id"])


def row(asset: Answer) -> tuple[str, ...]:
    """A version in the columns of the table."""
    return (
        asset["asset_id"],
        "yes" if asset["active"] else "",
        duration(asset["duration_seconds"]),
        f"{asset['width']}x{asset['height']}",
        f"{int(asset['size_bytes']) / 10**6:,.1f}",
        moment(asset.get("created_at")),
    )
