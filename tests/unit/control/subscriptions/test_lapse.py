"""The round over subscriptions that are due, on both databases."""

import pytest

from control.database import Database, accounts, outbox, plans, subscriptions
from control.database.accounts import Account
from control.subscriptions.lapse import Lapse
from control.subscriptions.plan import Plan
from control.subscriptions.subscription import DAY_SECONDS, Subscription
from control.subscriptions.subscription_states import State
from tests.statements import counted
from tests.viewing import NOON, numbered

pytestmark = pytest.mark.anyio

PLANS = (Plan("family", "Family", NOON, level=1, grace_days=3), Plan("basic", "Basic", NOON, level=0, grace_days=0))


async def lapsing(database: Database, numbers: range) -> None:
    """Have subscriptions end, of the two plans in turn."""
    async with database.write() as connection:
        for number in numbers:
            person, plan = numbered("a", number), PLANS[number % 2]
            await accounts.add(connection, Account(person, f"{person}@matinee.local", "hash", "viewer", NOON))
            due = Subscription(numbered("s", number), person, plan.plan_id, State.ACTIVE, NOON, NOON + 1, "manual")
            await subscriptions.add(connection, due)


@pytest.fixture
async def offered(database: Database, anyio_backend: str) -> Database:
    async with database.write() as connection:
        for plan in PLANS:
            await plans.add(connection, plan)
    return database


async def test_each_becomes_what_its_plan_says_and_that_is_told(offered: Database) -> None:
    await lapsing(offered, range(4))
    await Lapse(offered, lambda: NOON + DAY_SECONDS)()
    async with offered.read() as connection:
        found = [await subscriptions.find(connection, numbered("s", number)) for number in range(4)]
        told = await outbox.oldest(connection, 10)
    assert [each.state for each in found if each] == [State.GRACE, State.ENDED] * 2
    assert sorted(event.key for event in told) == [numbered("a", number) for number in range(4)]


async def test_many_take_as_many_statements_as_two(offered: Database) -> None:
    counts = []
    for numbers in (range(2), range(2, 42)):
        await lapsing(offered, numbers)
        with counted() as statements:
            await Lapse(offered, lambda: NOON + DAY_SECONDS)()
        counts.append(len(statements))
    assert counts[0] == counts[1]
