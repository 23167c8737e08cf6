"""`matinee users`: the accounts of an instance."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from matinee.cli.api import Answer, Api
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, plain_id, settings_with
from matinee.cli.tables import Column, console, moment, show, table
from matinee.cli.words import spoken
from matinee.errors import NotFound


def _named(user: str) -> str | None:
    return user if "@" in user else plain_id(user)


User = Annotated[
    str, typer.Argument(callback=_named, help="E-mail address, or account as `matinee users --json` shows it.")
]
Role = Literal["viewer", "publisher", "admin"]
COLUMNS = (
    Column("E-MAIL"),
    Column("ROLE"),
    Column("STATE"),
    Column("LAST LOGIN", leaves=3),
    Column("PROVIDERS", leaves=2),
    Column("CREATED", leaves=1),
)
SIGN_INS = (
    Column("SIGNED IN"),
    Column("BY", leaves=1),
    Column("DEVICE", prose=True),
    Column("ADDRESS"),
    Column("SESSION", leaves=2),
)
Limit = Annotated[int, typer.Option(help="No more of the latest sign-ins than so many.", min=1)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    users = typer.Typer(invoke_without_command=True)
    users.callback()(list_users)
    users.command("create")(create)
    users.command("role")(change_role)
    users.command("disable")(disable)
    users.command("enable")(enable)
    users.command("delete")(delete_user)
    users.command("reset-password")(reset_password)
    users.command("audit")(audit)
    app.add_typer(users, name="users", help="Look at the accounts, make one, or change one.")


def list_users(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at the accounts, make one, or change one."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with _opened(data) as api:
        users = list(api.pages("/accounts", "accounts"))
    if as_json:
        print(json.dumps([*map(plain, users)], indent=2))
    else:
        screen = console()
        show(screen, table(COLUMNS, map(row, users), screen))


def create(
    email: Annotated[str, typer.Argument(help="Of the new account.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = "viewer",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make an account, and print the link by which its owner sets a password."""
    with _opened(data) as api:
        account = api.call("POST", "/accounts", {"email": email, "role": f"ROLE_{role.upper()}"})["account"]
        issued = _reset_link(api, account["account_id"])
    if as_json:
        print(json.dumps(plain(account) | issued))
    else:
        print(f"Made {account['email']}. To set its password, until {moment(issued['expires_at'])}:")
        print(issued["reset_url"])


def change_role(
    user: User, role: Annotated[Role, typer.Argument(help="What it may do.")], data: Data = None, as_json: Json = False
) -> None:
    """Change what an account may do."""
    with _opened(data) as api:
        account = _changed(api, user, {"role": f"ROLE_{role.upper()}"})
    print(json.dumps(plain(account)) if as_json else f"{account['email']} is {role} now.")


def disable(user: User, data: Data = None, as_json: Json = False) -> None:
    """Keep an account from signing in, and end all that it has open."""
    with _opened(data) as api:
        account = _changed(api, user, {"disabled": True})
    print(json.dumps(plain(account)) if as_json else f"{account['email']} may not sign in any more.")


def enable(user: User, data: Data = None, as_json: Json = False) -> None:
    """Let an account sign in again."""
    with _opened(data) as api:
        account = _changed(api, user, {"disabled": False})
    print(json.dumps(plain(account)) if as_json else f"{account['email']} may sign in again.")


def delete_user(user: User, data: Data = None, as_json: Json = False) -> None:
    """Remove an account with all that is of it alone."""
    with _opened(data) as api:
        gone = account_id(api, user)
        api.call("DELETE", f"/accounts/{gone}")
    print(json.dumps({"account_id": gone, "state": "deleted"}) if as_json else f"Deleted {user}.")


def reset_password(user: User, data: Data = None, as_json: Json = False) -> None:
    """Print a link by which the owner of an account sets a new password."""
    with _opened(data) as api:
        issued = _reset_link(api, account_id(api, user))
    print(json.dumps(issued) if as_json else f"{issued['reset_url']}\nIt is good until {moment(issued['expires_at'])}.")


def audit(user: User, limit: Limit = 100, data: Data = None, as_json: Json = False) -> None:
    """Look at when, from where and on which device an account signed in."""
    with _opened(data) as api:
        sign_ins = list(islice(api.pages(f"/accounts/{account_id(api, user)}/signIns", "sign_ins"), limit))
    if as_json:
        print(json.dumps(sign_ins, indent=2))
    else:
        screen = console()
        show(screen, table(SIGN_INS, map(_sign_in, sign_ins), screen))


@contextmanager
def _opened(data: Path | None) -> Iterator[Api]:
    with open_api(settings_with(data)) as api, spoken({"account_id": "USER", "email": "EMAIL"}):
        yield api


def row(account: Answer) -> tuple[str, ...]:
    """An account in the columns of the table."""
    return (
        escape(account["email"]),
        role_word(account),
        "[red]disabled[/]" if account["disabled"] else "[green]active[/]",
        moment(account.get("last_login_at")),
        escape(", ".join(account["providers"])),
        moment(account.get("created_at")),
    )


def _sign_in(told: Answer) -> tuple[str, ...]:
    return (
        moment(told["time"]),
        escape(told["method"]),
        escape(told["device"]) or "unknown",
        escape(told["address"]),
        "[green]active[/]" if told["active"] else "[dim]ended[/]",
    )


def plain(account: Answer) -> Answer:
    """An account as scripts read it: with a plain word for its role."""
    return account | {"role": role_word(account)}


def role_word(account: Answer) -> str:
    """The plain word of a role."""
    return str(account["role"]).removeprefix("ROLE_").lower()


def account_id(api: Api, user: str) -> str:
    """The id of an account that is named by its e-mail address, or its id. Raises `NotFound` for an address."""
    if "@" not in user:
        return user
    found = api.call("GET", "/accounts", email=user)["accounts"]
    if not found:
        raise NotFound(f"there is no account of {user}")
    return str(found[0]["account_id"])


def _changed(api: Api, user: str, change: Answer) -> Answer:
    answer = api.call("PATCH", f"/accounts/{account_id(api, user)}", change)
    return dict(answer["account"])


def _reset_link(api: Api, of: str) -> Answer:
    issued = api.call("POST", f"/accounts/{of}:issuePasswordReset", {})
    return {"reset_url": f"{api.url}/reset?token={issued['token']}", "expires_at": issued["expires_at"]}
