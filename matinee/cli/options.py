"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from matinee.errors import InvalidInput
from matinee.settings import Settings, load_settings

_ID = re.compile(r"[A-Za-z0-9_-]+")


def plain_id(text: str | None) -> str | None:
    """An id, which stands in a path of the API: `../titles/…` would lead elsewhere. Raises `InvalidInput`."""
    if text is not None and not _ID.fullmatch(text):
        raise InvalidInput(f"{text!r} is not an id")
    return text


Data = Annotated[Path | None, typer.Option(help="Data directory of the instance.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
TitleId = Annotated[str, typer.Argument(callback=plain_id, help="As `matinee titles` shows it.")]
COMMON = ("data", "as_json")
Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.", show_default=False)]


def pass_on(context: typer.Context) -> None:
    """Let the options that every command has hold for the subcommand of a group, unless they are given there again."""
    context.default_map = {str(context.invoked_subcommand): {name: context.params[name] for name in COMMON}}


def settings_with(data: Path | None = None, host: str | None = None, port: int | None = None) -> Settings:
    """The settings, with what was given on the command line. Raises `InvalidInput`."""
    overrides: dict[str, Any] = {}
    if data is not None:
        overrides["data"] = data
    settings = load_settings(**overrides)
    http = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return load_settings(**overrides, http={**settings.http.model_dump(), **http}) if http else settings
