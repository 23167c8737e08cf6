"""`matinee plans`: what subscriptions allow."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from matinee.cli.api import Answer
from matinee.cli.credential import open_api
from matinee.cli.options import Data, Json, pass_on, plain_id, settings_with
from matinee.cli.tables import Column, console, show, table
from matinee.cli.words import spoken

PlanId = Annotated[str, typer.Argument(callback=plain_id, help="A short word, such as family.")]
Name = Annotated[str | None, typer.Option(help="What people read.")]
Description = Annotated[str | None, typer.Option(help="What it is, in a sentence.")]
Price = Annotated[str | None, typer.Option(help="What people read of its price: '9.99 € a month'.")]
Level = Annotated[int | None, typer.Option(help="Plans of a higher level allow what lower ones do.")]
Streams = Annotated[int | None, typer.Option(help="Playback sessions at a time; 0: any number.")]
Height = Annotated[int | None, typer.Option(help="Tallest rung, in lines; 0: all.")]
Devices = Annotated[int | None, typer.Option(help="Devices; 0: any number.")]
Trial = Annotated[int | None, typer.Option(help="Free days at an account's first subscription.")]
Period = Annotated[int | None, typer.Option(help="Days of a paid period.")]
Grace = Annotated[int | None, typer.Option(help="Days after an unpaid period in which all goes on.")]
Tag = Annotated[list[str] | None, typer.Option(help="Only titles with this tag, or another that is given.")]
LIMITS = ("level", "max_streams", "max_height", "max_devices", "trial_days", "period_days", "grace_days")
WORDS = {
    "plan_id": "PLAN_ID",
    "price_label": "--price",
    "max_streams": "--streams",
    "max_height": "--height",
    "max_devices": "--devices",
    "trial_days": "--trial-days",
    "period_days": "--period-days",
    "grace_days": "--grace-days",
    "tags": "--tag",
}
"""What the commands call the fields of the API."""
COLUMNS = (
    Column("PLAN"),
    Column("NAME", prose=True),
    Column("PRICE", prose=True, leaves=3),
    Column("LEVEL", leaves=4),
    Column("STREAMS"),
    Column("LINES"),
    Column("DEVICES", leaves=5),
    Column("DAYS", leaves=2),
    Column("TAGS", prose=True, leaves=1),
    Column("OFFER"),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    plans = typer.Typer(invoke_without_command=True)
    plans.callback()(list_plans)
    plans.command("create")(create)
    plans.command("edit")(edit)
    plans.command("retire")(retire)
    app.add_typer(plans, name="plans", help="Look at the plans, make one, change one, or take one off the offer.")


def list_plans(context: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """Look at the plans, make one, change one, or take one off the offer."""
    if context.invoked_subcommand:
        pass_on(context)
        return
    with open_api(settings_with(data)) as api:
        plans = api.call("GET", "/plans", retired="true").get("plans", [])
    if as_json:
        print(json.dumps(plans, indent=2))
    else:
        screen = console()
        show(screen, table(COLUMNS, map(row, plans), screen))


def create(
    plan_id: PlanId,
    *,
    name: Name = None,
    description: Description = None,
    price: Price = None,
    level: Level = None,
    streams: Streams = None,
    height: Height = None,
    devices: Devices = None,
    trial_days: Trial = None,
    period_days: Period = None,
    grace_days: Grace = None,
    tag: Tag = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put a plan on offer."""
    limits = zip(LIMITS, (level, streams, height, devices, trial_days, period_days, grace_days), strict=True)
    texts = {"name": name or plan_id, "description": description, "price_label": price, "tags": tag or None}
    with open_api(settings_with(data)) as api, spoken(WORDS):
        plan = api.call("POST", "/plans", {"plan": {"plan_id": plan_id, **_given({**texts, **dict(limits)})}})["plan"]
    print(json.dumps(plan) if as_json else f"{plan['name']} is on offer.")


def edit(
    plan_id: PlanId,
    *,
    name: Name = None,
    description: Description = None,
    price: Price = None,
    level: Level = None,
    streams: Streams = None,
    height: Height = None,
    devices: Devices = None,
    trial_days: Trial = None,
    period_days: Period = None,
    grace_days: Grace = None,
    tag: Tag = None,
    offer: Annotated[bool | None, typer.Option("--offer/--no-offer", help="Put it on offer again, or off it.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change what is given of a plan, at once for everybody who has it. An empty --tag takes the tags away."""
    limits = zip(LIMITS, (level, streams, height, devices, trial_days, period_days, grace_days), strict=True)
    tags = None if not tag else {"tags": [one for one in tag if one]}
    texts = {"name": name, "description": description, "price_label": price, "tags": tags}
    retired = None if offer is None else not offer
    with open_api(settings_with(data)) as api, spoken(WORDS):
        plan = api.call("PATCH", f"/plans/{plan_id}", _given({**texts, **dict(limits), "retired": retired}))["plan"]
    print(json.dumps(plan) if as_json else f"Changed {plan['name']}.")


def retire(plan_id: PlanId, data: Data = None, as_json: Json = False) -> None:
    """Take a plan off the offer; who has it keeps it, and one that nobody ever had goes altogether."""
    with open_api(settings_with(data)) as api:
        api.call("POST", f"/plans/{plan_id}:retire", {})
    print(json.dumps({"plan_id": plan_id, "state": "retired"}) if as_json else f"Retired {plan_id}.")


def row(plan: Answer) -> tuple[str, ...]:
    """A plan in the columns of the table."""
    return (
        plan["plan_id"],
        escape(plan["name"]),
        escape(plan["price_label"]),
        str(plan["level"]),
        str(plan["max_streams"] or "any"),
        str(plan["max_height"] or "all"),
        str(plan["max_devices"] or "any"),
        f"{plan['period_days']} + {plan['grace_days']}",
        escape(", ".join(plan["tags"])),
        "[dim]retired[/]" if plan["retired"] else "[green]yes[/]",
    )


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
