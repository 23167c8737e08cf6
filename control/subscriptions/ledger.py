"""The ledger of subscriptions: reads them as time has made them, and records each change with its event."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from control.database import Connection, outbox, plans, subscriptions, titles
from control.database.titles import Title
from control.subscriptions.entitlement import Standing, Wanted
from control.subscriptions.plan import HIGHEST_LEVEL, Plan
from control.subscriptions.subscription import Subscription, at
from control.subscriptions.subscription_states import State
from control.timestamps import timestamp
from matinee.tokens import Clock
from protos.v1.events_pb2 import SubscriptionUpdated


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscription with its plan."""

    subscription: Subscription
    plan: Plan


async def current(connection: Connection, account_id: str, now: float) -> Entry | None:
    """What an account has now; None when it has nothing, or no more."""
    stored = await subscriptions.current(connection, account_id)
    entry = None if stored is None else await as_of(connection, stored, now)
    return None if entry is None or entry.subscription.state is State.ENDED else entry


async def as_of(connection: Connection, stored: Subscription, now: float) -> Entry:
    """A subscription as time has made it by now, whether or not that is recorded."""
    return (await all_as_of(connection, [stored], now))[0]


async def all_as_of(connection: Connection, stored: Sequence[Subscription], now: float) -> list[Entry]:
    """Subscriptions as time has made them by now. No plan goes that anybody ever had."""
    known = await plans.among(connection, {each.plan_id for each in stored})
    return [Entry(at(each, known[each.plan_id], now), known[each.plan_id]) for each in stored]


async def standing(connection: Connection, account_id: str, role: str, now: float) -> Standing:
    """What an account is to us now."""
    entry = await current(connection, account_id, now)
    if entry is None or not entry.subscription.in_force:
        return Standing(account_id, role)
    return Standing(account_id, role, entry.plan, entry.subscription.period_ends_at)


async def needed(connection: Connection, plan_id: str) -> Plan | None:
    """The plan that a title says it needs, if any. Where there are plans, one that there is not is out of all reach."""
    plan = await plans.find(connection, plan_id) if plan_id else None
    if plan_id and plan is None and await plans.any_plan(connection):
        return Plan(plan_id, plan_id, 0, level=HIGHEST_LEVEL + 1)
    return plan


async def wanted(connection: Connection, title: Title) -> Wanted:
    """A title as entitlement sees it.

    It has the tags of its season and its series too, and needs their plan, the nearest one's, without one of its own.
    """
    line = [title, *await titles.above(connection, title)]
    plan_id = next((each.plan_id for each in line if each.plan_id), "")
    return Wanted(title.title_id, await needed(connection, plan_id), tuple(tag for each in line for tag in each.tags))


async def record(connection: Connection, subscription: Subscription, clock: Clock, *, new: bool = False) -> None:
    """Record what has become of a subscription, and that it has changed."""
    if not new:
        return await record_all(connection, [subscription], clock)
    await subscriptions.add(connection, subscription)
    return await outbox.record(connection, _news(subscription, clock), clock)


async def record_all(connection: Connection, changed: Sequence[Subscription], clock: Clock) -> None:
    """Record what has become of subscriptions, and that they have changed."""
    await subscriptions.save(connection, changed)
    await outbox.record_all(connection, [_news(subscription, clock) for subscription in changed], clock)


async def catch_up(connection: Connection, account_ids: Collection[str], clock: Clock) -> None:
    """Record what time has made of the subscriptions of accounts, whose locks the caller holds."""
    stored = await subscriptions.current_of(connection, account_ids)
    entries = await all_as_of(connection, stored, clock())
    made = [entry.subscription for entry, before in zip(entries, stored, strict=True) if entry.subscription != before]
    await record_all(connection, made, clock)


def _news(subscription: Subscription, clock: Clock) -> SubscriptionUpdated:
    ends_at = subscription.period_ends_at
    return SubscriptionUpdated(
        account_id=subscription.account_id,
        subscription_id=subscription.subscription_id,
        plan_id=subscription.plan_id,
        state=subscription.state,
        cancelled=subscription.cancelled,
        period_ends_at=None if ends_at is None else timestamp(ends_at),
        time=timestamp(clock()),
    )
