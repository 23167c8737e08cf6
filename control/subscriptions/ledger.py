"""The ledger of subscriptions: reads them as time has made them, and records each change with its event."""

from dataclasses import dataclass

from control import messages
from control.database import Connection, outbox, plans, subscriptions
from control.subscriptions.entitlement import Standing
from control.subscriptions.plan import HIGHEST_LEVEL, Plan
from control.subscriptions.subscription import Subscription, at
from control.subscriptions.subscription_states import State
from matinee.errors import NotFound
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
    plan = await plans.find(connection, stored.plan_id)
    if plan is None:
        raise NotFound("there is no such plan")
    return Entry(at(stored, plan, now), plan)


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


async def record(connection: Connection, subscription: Subscription, clock: Clock, *, new: bool = False) -> None:
    """Record what has become of a subscription, and that it has changed."""
    await (subscriptions.add if new else subscriptions.save)(connection, subscription)
    ends_at = subscription.period_ends_at
    event = SubscriptionUpdated(
        account_id=subscription.account_id,
        subscription_id=subscription.subscription_id,
        plan_id=subscription.plan_id,
        state=subscription.state,
        cancelled=subscription.cancelled,
        period_ends_at=None if ends_at is None else messages.timestamp(ends_at),
        time=messages.timestamp(clock()),
    )
    await outbox.record(connection, event, clock)


async def catch_up(connection: Connection, account_id: str, clock: Clock) -> None:
    """Record what time has made of the subscription of an account, whose lock the caller holds."""
    stored = await subscriptions.current(connection, account_id)
    if stored is not None:
        entry = await as_of(connection, stored, clock())
        if entry.subscription != stored:
            await record(connection, entry.subscription, clock)
