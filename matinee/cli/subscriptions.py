"""`matinee subscriptions`: who has which plan, and until when it is paid."""

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, settings_with
from matinee.cli.tables import Column, console, moment, show, table
from matinee.cli.users import User, account_id
from matinee.cli.words import spoken
from matinee.errors import InvalidInput

PlanId = Annotated[str, typer.Argument(help="A plan; 'none' ends the subscription now.")]
Until = Annotated[str | None, typer.Option(help="Until when it is paid, such as 2027-01-31; else one period.")]
NONE = "none"
WORDS = {
    "account_id": "USER",
    "plan_id": "PLAN_ID",
    "leave plan_id empty": f"give the plan '{NONE}'",
    "paid_until": "--until",
}
"""What the command calls the fields of the API."""
STATES = {
    "pending": "[cyan]pending[/]",
    "trial": "[green]trial[/]",
    "active": "[green]active[/]",
    "grace": "[yellow]grace[/]",
    "ended": "[dim]ended[/]",
}
COLUMNS = (
    Column("SUBSCRIPTION", leaves=2),
    Column("E-MAIL"),
    Column("PLAN", prose=True),
    Column("STATE"),
    Column("UNTIL"),
    Column("THEN", leaves=3),
    Column("PROVIDER", leaves=4),
    Column("SINCE", leaves=1),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    subscriptions = typer.Typer(invoke_without_command=True)
    subscriptions.callback()(list_subscriptions)
    subscriptions.command("set")(set_subscription)
    app.add_typer(subscriptions, name="subscriptions", help="Look at the subscriptions, or say that one is paid.")


def list_subscriptions(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at the subscriptions, or say that one is paid."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with open_api(settings_with(data)) as api:
        subscriptions = [plain(one) for one in api.pages("/subscriptions", "subscriptions")]
    if as_json:
        print(json.dumps(subscriptions, indent=2))
    else:
        screen = console()
        show(screen, table(COLUMNS, map(row, subscriptions), screen))


def set_subscription(
    user: User, plan_id: PlanId, until: Until = None, data: Data = None, as_json: Json = False
) -> None:
    """Say of an account that it has a plan and until when it is paid, or that it has none any more."""
    body: dict[str, Any] = {"plan_id": "" if plan_id == NONE else plan_id}
    if until:
        body["paid_until"] = _moment(until)
    with open_api(settings_with(data)) as api, spoken(WORDS):
        answer = api.call("PUT", f"/accounts/{account_id(api, user)}/subscription", body)
    subscription = plain(answer["subscription"]) if answer.get("subscription") else None
    print(json.dumps(subscription) if as_json else _sentence(subscription))


def plain(subscription: Answer) -> Answer:
    """A subscription as scripts read it: with a plain word for its state."""
    return subscription | {"state": subscription["state"].removeprefix("SUBSCRIPTION_STATE_").lower()}


def row(subscription: Answer) -> tuple[str, ...]:
    """A subscription in the columns of the table."""
    goes_on = subscription["state"] not in {"ended", "pending"}
    return (
        subscription["subscription_id"],
        escape(subscription["email"]),
        escape(subscription["plan"]["name"]),
        STATES[subscription["state"]],
        moment(subscription.get("period_ends_at")),
        ("ends" if subscription["cancelled"] else "is renewed") if goes_on else "",
        subscription["provider"],
        moment(subscription["started_at"]),
    )


def _sentence(subscription: Answer | None) -> str:
    if subscription is None:
        return "The account has no subscription."
    ends = moment(subscription.get("period_ends_at"))
    if subscription["state"] == "ended":
        return f"The subscription to {subscription['plan']['name']} has ended."
    return f"Subscribed to {subscription['plan']['name']}, paid until {ends}."


def _moment(text: str) -> str:
    """A day or time of this zone, as RFC 3339 has it."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise InvalidInput("--until must be a day such as 2027-01-31, or a time such as 2027-01-31T18:00") from None
