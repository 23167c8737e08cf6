"""Subscriptions as they are stored, and the reports of payments that took effect."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from control.database.engine import Connection
from control.database.tables import accounts, payment_reports, subscriptions
from control.subscriptions.subscription import Subscription
from control.subscriptions.subscription_states import State

NOT_ENDED = subscriptions.c.state != State.ENDED


async def add(connection: Connection, subscription: Subscription) -> None:
    """Record a new subscription."""
    await connection.execute(insert(subscriptions).values(asdict(subscription)))


async def save(connection: Connection, changed: Iterable[Subscription]) -> None:
    """Record what has become of subscriptions."""
    rows = [{"known_id": subscription.subscription_id, **asdict(subscription)} for subscription in changed]
    if rows:
        chosen = subscriptions.c.subscription_id == bindparam("known_id")
        await connection.execute(update(subscriptions).where(chosen), rows)


async def hold(connection: Connection, account_id: str) -> str | None:
    """Have what an account may do to oneself until this transaction ends; its role, None when there is no account."""
    query = select(accounts.c.role).where(accounts.c.account_id == account_id)
    role: str | None = await connection.scalar(query.with_for_update(key_share=True))
    return role


async def hold_all(connection: Connection, account_ids: Sequence[str]) -> None:
    """Have what these accounts may do to oneself, as `hold` does for one; in the order of their ids."""
    query = select(accounts.c.account_id).where(accounts.c.account_id.in_(account_ids)).order_by(accounts.c.account_id)
    await connection.execute(query.with_for_update(key_share=True))


async def find(connection: Connection, subscription_id: str) -> Subscription | None:
    """A subscription, as it was last recorded."""
    return await _first(connection, select(subscriptions).where(subscriptions.c.subscription_id == subscription_id))


async def current(connection: Connection, account_id: str) -> Subscription | None:
    """The subscription of an account that was last recorded as not ended."""
    return next(iter(await current_of(connection, [account_id])), None)


async def current_of(connection: Connection, account_ids: Collection[str]) -> list[Subscription]:
    """The subscriptions of accounts that were last recorded as not ended: of each account one at most."""
    query = select(subscriptions).where(subscriptions.c.account_id.in_(account_ids), NOT_ENDED)
    return [_made(row) for row in (await connection.execute(query)).mappings()]


async def any_of_account(connection: Connection, account_id: str) -> bool:
    """Whether an account has, or ever had, a subscription."""
    return bool(await connection.scalar(select(exists().where(subscriptions.c.account_id == account_id))))


async def any_of_plan(connection: Connection, plan_id: str) -> bool:
    """Whether anybody has, or ever had, a plan."""
    return bool(await connection.scalar(select(exists().where(subscriptions.c.plan_id == plan_id))))


async def due(connection: Connection, now: float, most: int) -> list[Subscription]:
    """Up to `most` subscriptions that time has changed, and nobody has recorded it; the longest due first."""
    chosen = (NOT_ENDED, subscriptions.c.period_ends_at <= now)
    query = select(subscriptions).where(*chosen).order_by(subscriptions.c.period_ends_at).limit(most)
    return [_made(row) for row in (await connection.execute(query)).mappings()]


async def page(connection: Connection, before: str, size: int) -> list[Subscription]:
    """Up to `size` subscriptions older than the id `before` (empty: all), newest first."""
    query = select(subscriptions).order_by(subscriptions.c.subscription_id.desc()).limit(size)
    if before:
        query = query.where(subscriptions.c.subscription_id < before)
    return [_made(row) for row in (await connection.execute(query)).mappings()]


async def note_report(connection: Connection, provider: str, webhook_id: str, now: float) -> bool:
    """Note a report of a provider; False when it was noted before."""
    values = {"provider": provider, "webhook_id": webhook_id, "received_at": now}
    try:
        async with connection.begin_nested():
            await connection.execute(insert(payment_reports).values(values))
    except IntegrityError:
        return False
    return True


async def forget_reports(connection: Connection, before: float) -> None:
    """Remove what was noted of reports before a moment."""
    await connection.execute(delete(payment_reports).where(payment_reports.c.received_at < before))


async def _first(connection: Connection, query: Select[Any]) -> Subscription | None:
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _made(row)


def _made(row: RowMapping) -> Subscription:
    return Subscription(**{**row, "state": State(row["state"])})
