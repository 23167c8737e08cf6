"""What time does to subscriptions: trials, periods and grace that have ended are recorded."""

from dataclasses import dataclass

from control.database import Connection, Database, subscriptions
from control.subscriptions import ledger
from matinee.tokens import Clock

BATCH = 200
"""Subscriptions in one transaction, so that nobody waits long for it."""
REPORT_SECONDS = 90 * 86_400.0
"""How long a report of a payment is remembered; no provider sends one again after so long."""


@dataclass(frozen=True)
class Lapse:
    """A round over the subscriptions that are due. All who read one see it as it is, with or without the round."""

    database: Database
    clock: Clock

    async def __call__(self) -> None:
        """Make the round. Raises `Unavailable` when the database does not answer."""
        while await self.database.transact(self._batch) == BATCH:
            continue
        async with self.database.write() as connection:
            await subscriptions.forget_reports(connection, self.clock() - REPORT_SECONDS)

    async def _batch(self, connection: Connection) -> int:
        found = await subscriptions.due(connection, self.clock(), BATCH)
        accounts = [subscription.account_id for subscription in found]
        await subscriptions.hold_all(connection, accounts)
        await ledger.catch_up(connection, accounts, self.clock)
        return len(found)
