"""What a payment provider's report does to the subscription that it names."""

from dataclasses import replace

import structlog

from control.database import Connection, plans, subscriptions
from control.playback.access import Access
from control.subscriptions import ledger
from control.subscriptions.ledger import Entry
from control.subscriptions.payments import CANCELLED, FAILED, Report
from control.subscriptions.plan import Plan
from control.subscriptions.subscription import Subscription, cancelled, ended, paid, unpaid
from control.subscriptions.subscription_states import State
from matinee.errors import Conflict, InvalidInput, NotFound

log = structlog.get_logger()


async def apply(connection: Connection, provider: str, report: Report, access: Access) -> None:
    """Let a report take effect.

    Raises `NotFound` for a subscription that the provider does not have, `Conflict` for a payment of one that is over.
    """
    if not report.kind:
        return
    known = await subscriptions.find(connection, report.subscription_id)
    if known is None or known.provider != provider:
        raise NotFound("there is no such subscription")
    await access.catch_up(connection, known.account_id)
    stored = await subscriptions.find(connection, report.subscription_id) or known
    entry = await ledger.as_of(connection, stored, access.clock())
    subscription = await _after(connection, entry, report, access.clock())
    if subscription != stored:
        await ledger.record(connection, subscription, access.clock)
        await access.review(connection, subscription.account_id)
    log.info("a payment was reported", provider=provider, kind=report.kind, subscription_id=report.subscription_id)


async def _after(connection: Connection, entry: Entry, report: Report, now: float) -> Subscription:
    if report.kind == FAILED:
        return unpaid(entry.subscription, entry.plan)
    if report.kind == CANCELLED:
        return _cancelled(entry.subscription, report, now)
    plan = await _paid_plan(connection, report)
    if report.paid_until is None:
        raise InvalidInput("data.paid_until is missing")
    over = entry.subscription.state is State.ENDED
    if over and await subscriptions.current(connection, entry.subscription.account_id):
        raise Conflict("the account has another subscription by now: pay the money back")
    return replace(paid(entry.subscription, report.paid_until, now), plan_id=plan.plan_id)


def _cancelled(subscription: Subscription, report: Report, now: float) -> Subscription:
    if report.paid_until is not None and report.paid_until <= now:
        return ended(subscription, now)
    return cancelled(subscription, now)


async def _paid_plan(connection: Connection, report: Report) -> Plan:
    """The plan that was paid. It alone counts: whoever was sent to pay for one may have come to pay for another."""
    if not report.plan_id:
        raise InvalidInput("data.plan_id is missing")
    plan = await plans.keep(connection, report.plan_id)
    if plan is None:
        raise NotFound("there is no such plan")
    return plan
