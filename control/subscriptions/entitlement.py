"""Entitlement: what an account may watch, and how. Pure: of its role, its plan, the title and the settings."""

from dataclasses import dataclass

from control.subscriptions.plan import Plan
from matinee.settings import SubscriptionSettings

STAFF = frozenset({"publisher", "admin"})
"""Roles that may play everything, without a limit."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A title as entitlement sees it; `plan` is the one that it needs, if any."""

    title_id: str
    plan: Plan | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits, of which 0 is none: playback sessions at a time, lines of the tallest rung, registered devices."""

    max_streams: int = 0
    max_height: int = 0
    max_devices: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account is to us: its role, and the plan of its subscription while that is in force.

    `until` is when time will change it next (Unix seconds), if nobody does anything.
    """

    account_id: str
    role: str
    plan: Plan | None = None
    until: float | None = None


def allowance(standing: Standing, free: SubscriptionSettings) -> Allowance:
    """The limits of the plan, or without one those of the settings."""
    if standing.role in STAFF:
        return Allowance()
    if standing.plan is None:
        return Allowance(free.free_streams, free.free_height, free.free_devices)
    return Allowance(standing.plan.max_streams, standing.plan.max_height, standing.plan.max_devices)


def refusal(standing: Standing, wanted: Wanted) -> str:
    """Why the account may not watch a title, as a sentence for the person; empty when it may.

    A title that needs no plan is for everybody who is signed in.
    """
    if standing.role in STAFF or wanted.plan is None:
        return ""
    if standing.plan is None or standing.plan.level < wanted.plan.level:
        return f"this title needs the plan '{wanted.plan.name}'"
    if standing.plan.tags and not _meet(standing.plan.tags, wanted.tags):
        return f"your plan '{standing.plan.name}' does not include this title"
    return ""


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not {tag.casefold() for tag in one}.isdisjoint(tag.casefold() for tag in other)
