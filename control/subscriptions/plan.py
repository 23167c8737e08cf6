"""A plan: what a subscription allows, as data that an operator writes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from control import inputs
from matinee.errors import InvalidInput
from protos.v1 import subscriptions_pb2 as pb

LONGEST_NAME = 100
LONGEST_DESCRIPTION = 1_000
LONGEST_LABEL = 60
MOST_TAGS = 50
LONGEST_TAG = 50
HIGHEST_LEVEL = 1_000
MOST_STREAMS = 1_000
TALLEST = 8_640
MOST_DAYS = 3_660
NUMBERS = {
    "level": (0, HIGHEST_LEVEL),
    "max_streams": (0, MOST_STREAMS),
    "max_height": (0, TALLEST),
    "max_devices": (0, MOST_STREAMS),
    "trial_days": (0, MOST_DAYS),
    "period_days": (1, MOST_DAYS),
    "grace_days": (0, MOST_DAYS),
}
"""The least and the greatest of each."""

_PLAN_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription allows. Limits of 0 are none; heights are in lines, lengths of time in days."""

    plan_id: str
    name: str
    created_at: float
    description: str = ""
    price_label: str = ""
    level: int = 0
    max_streams: int = 0
    max_height: int = 0
    max_devices: int = 0
    trial_days: int = 0
    period_days: int = 30
    grace_days: int = 0
    tags: tuple[str, ...] = ()
    retired: bool = False


def new_plan(asked: pb.Plan, now: float) -> Plan:
    """The plan that an operator describes; periods have 30 days unless it says otherwise. Raises `InvalidInput`."""
    numbers: dict[str, Any] = {name: getattr(asked, name) for name in NUMBERS}
    numbers["period_days"] = numbers["period_days"] or 30
    return Plan(
        plan_id=plan_id(asked.plan_id),
        name=inputs.line("name", asked.name, LONGEST_NAME),
        created_at=now,
        description=inputs.text("description", asked.description, LONGEST_DESCRIPTION),
        price_label=inputs.line("price_label", asked.price_label, LONGEST_LABEL, needed=False),
        tags=_tags(asked.tags),
        **_checked(numbers),
    )


def changed_plan(plan: Plan, asked: pb.UpdatePlanRequest) -> Plan:
    """The plan with what is set in the request. Raises `InvalidInput`."""
    if asked.HasField("name"):
        plan = replace(plan, name=inputs.line("name", asked.name, LONGEST_NAME))
    if asked.HasField("description"):
        plan = replace(plan, description=inputs.text("description", asked.description, LONGEST_DESCRIPTION))
    if asked.HasField("price_label"):
        plan = replace(plan, price_label=inputs.line("price_label", asked.price_label, LONGEST_LABEL, needed=False))
    if asked.HasField("tags"):
        plan = replace(plan, tags=_tags(asked.tags.tags))
    if asked.HasField("retired"):
        plan = replace(plan, retired=asked.retired)
    numbers = {field.name: value for field, value in asked.ListFields() if field.name in NUMBERS}
    return replace(plan, **_checked(numbers))


def plan_id(value: str) -> str:
    """The id of a plan: a short word. Raises `InvalidInput`."""
    if not _PLAN_ID.fullmatch(value):
        raise InvalidInput("plan_id must be 1 to 32 small letters, digits or hyphens, such as family")
    return value


def _checked(numbers: dict[str, Any]) -> dict[str, Any]:
    for name, value in numbers.items():
        least, greatest = NUMBERS[name]
        if not least <= value <= greatest:
            raise InvalidInput(f"{name} must be {least} to {greatest}")
    return numbers


def _tags(values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > MOST_TAGS:
        raise InvalidInput(f"tags must be {MOST_TAGS} at most")
    return tuple(dict.fromkeys(inputs.line("tags", value, LONGEST_TAG) for value in values))
