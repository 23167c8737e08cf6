"""Subscriptions as an operator keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass

from control import inputs
from control.database import Connection, Database, accounts, subscriptions
from control.identifiers import new_id
from control.pages import PageRequest
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.subscriptions import ledger, messages
from control.subscriptions.ledger import Entry
from control.subscriptions.offer import known_plan
from control.subscriptions.payments import ManualPayments
from control.subscriptions.subscription import DAY_SECONDS, ended, settled, subscribed
from matinee.tokens import Clock
from protos.v1 import subscriptions_pb2 as pb


@dataclass(frozen=True)
class Administration:
    """Says of an account which plan it has and until when that is paid, whoever takes the payments."""

    database: Database
    announcer: Announcer
    access: Access
    clock: Clock

    async def page(self, request: pb.ListSubscriptionsRequest) -> pb.ListSubscriptionsResponse:
        """A page of the subscriptions of all accounts, as time has made them."""
        asked, now = PageRequest.read(request.page_size, request.page_token), self.clock()
        async with self.database.read() as connection:
            found = await subscriptions.page(connection, asked.before, asked.look_ahead)
            page = asked.cut(found, lambda subscription: subscription.subscription_id)
            entries = await ledger.all_as_of(connection, page.items, now)
            emails = await accounts.emails(connection, {subscription.account_id for subscription in page.items})
        shown = [_shown(entry, emails) for entry in entries]
        return pb.ListSubscriptionsResponse(subscriptions=shown, next_page_token=page.next_token)

    async def settle(self, request: pb.SetSubscriptionRequest) -> pb.SetSubscriptionResponse:
        """Give an account a plan, or none any more. Raises `InvalidInput`, `NotFound`."""
        account_id = inputs.identifier("account_id", request.account_id)
        async with self.database.write() as connection:
            await self.access.catch_up(connection, account_id)
            known = await ledger.current(connection, account_id, self.clock())
            entry = await self._settled(connection, account_id, known, request)
            if entry is None:
                return pb.SetSubscriptionResponse()
            await ledger.record(connection, entry.subscription, self.clock, new=known is None)
            await self.access.review(connection, account_id)
            emails = await accounts.emails(connection, [account_id])
        self.announcer.wake()
        return pb.SetSubscriptionResponse(subscription=_shown(entry, emails))

    async def _settled(
        self, connection: Connection, account_id: str, known: Entry | None, request: pb.SetSubscriptionRequest
    ) -> Entry | None:
        """What becomes of the subscription that an account has; None when it has none, and shall have none."""
        now = self.clock()
        if not request.plan_id:
            return None if known is None else Entry(ended(known.subscription, now), known.plan)
        plan = await known_plan(connection, request.plan_id)
        new = subscribed(
            new_id(self.clock), account_id, plan, now, provider=ManualPayments.name, first=False, at_once=True
        )
        told = request.paid_until.ToMicroseconds() / 1e6 if request.HasField("paid_until") else None
        until = now + plan.period_days * DAY_SECONDS if told is None else told
        return Entry(settled(known.subscription if known else new, plan, until, now), plan)


def _shown(entry: Entry, emails: Mapping[str, str]) -> pb.Subscription:
    return messages.subscription(entry.subscription, entry.plan, emails.get(entry.subscription.account_id, ""))
