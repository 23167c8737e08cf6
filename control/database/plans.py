"""Plans as they are stored."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from control.database.engine import Connection
from control.database.tables import plans
from control.subscriptions.plan import Plan
from matinee.errors import Conflict


async def add(connection: Connection, plan: Plan) -> None:
    """Record a new plan. Raises `Conflict` when there is one of this id."""
    try:
        async with connection.begin_nested():
            await connection.execute(insert(plans).values(_row(plan)))
    except IntegrityError:
        raise Conflict(f"there is a plan '{plan.plan_id}' already") from None


async def save(connection: Connection, plan: Plan) -> None:
    """Record what has become of a plan."""
    await connection.execute(update(plans).where(plans.c.plan_id == plan.plan_id).values(_row(plan)))


async def remove(connection: Connection, plan_id: str) -> None:
    """Forget a plan that nobody ever had."""
    await connection.execute(delete(plans).where(plans.c.plan_id == plan_id))


async def find(connection: Connection, plan_id: str, *, lock: bool = False) -> Plan | None:
    """A plan, on offer or not; with `lock` nobody else changes it before this transaction ends."""
    query = select(plans).where(plans.c.plan_id == plan_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else _made(row)


async def keep(connection: Connection, plan_id: str) -> Plan | None:
    """A plan, which nobody removes or changes before this transaction ends; others may keep it too."""
    query = select(plans).where(plans.c.plan_id == plan_id).with_for_update(read=True, key_share=True)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _made(row)


async def among(connection: Connection, plan_ids: Collection[str]) -> dict[str, Plan]:
    """Those of these plans that there are, by their ids."""
    rows = await connection.execute(select(plans).where(plans.c.plan_id.in_(plan_ids)))
    return {row["plan_id"]: _made(row) for row in rows.mappings()}


async def any_plan(connection: Connection) -> bool:
    """Whether there is a plan at all."""
    return bool(await connection.scalar(select(exists().select_from(plans))))


async def in_order(connection: Connection, *, retired: bool) -> list[Plan]:
    """All plans, the lowest level first; those that are off the offer only if asked."""
    query = select(plans).order_by(plans.c.level, plans.c.created_at, plans.c.plan_id)
    rows = await connection.execute(query if retired else query.where(~plans.c.retired))
    return [_made(row) for row in rows.mappings()]


def _row(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "tags": list(plan.tags)}


def _made(row: RowMapping) -> Plan:
    return Plan(**{**row, "tags": tuple(row["tags"])})
