"""`matinee login`: sign in to an instance on another machine."""

import time
from typing import Annotated

import httpx
import typer

from matinee.cli.api import Api
from matinee.cli.credential import AGENT
from matinee.cli.options import settings_with
from matinee.cli.state import Session, Sessions, state_directory
from matinee.errors import InvalidInput

Address = Annotated[str | None, typer.Argument(help="Such as https://films.example; default MATINEE_URL.")]
Email = Annotated[str, typer.Option(prompt="E-mail", help="Of the account.")]
Password = Annotated[str, typer.Option(prompt=True, hide_input=True, envvar="MATINEE_PASSWORD", help="Asked for.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(login)


def login(email: Email, password: Password, url: Address = None) -> None:
    """Sign in to an instance; later commands with MATINEE_URL use the session."""
    address = (url or settings_with().url).rstrip("/")
    if not address.startswith(("http://", "https://")):
        raise InvalidInput("name the instance as an http:// or https:// address, or set MATINEE_URL")
    with httpx.Client(headers=AGENT) as client:
        session = Session.opened(Api(address, client).login(email, password), time.time())
    sessions = Sessions(state_directory())
    with sessions.held():
        sessions.put(address, session)
    print(f"Signed in to {address}. Set MATINEE_URL={address} to use it.")
