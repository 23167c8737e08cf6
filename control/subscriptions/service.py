"""SubscriptionService: who has which plan, and whether it is paid."""

from collections.abc import Callable, Sequence

from typing_extensions import override

from control import inputs, messages
from control.callers import caller
from control.catalogue.visibility import visible
from control.database import Connection, Database, accounts, plans, subscriptions, titles
from control.identifiers import new_id
from control.pages import PageRequest
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.subscriptions import ledger
from control.subscriptions.ledger import Entry
from control.subscriptions.offer import Offer
from control.subscriptions.payments import ManualPayments, Payments, WebhookPayments, provider_of
from control.subscriptions.plan import Plan, plan_id
from control.subscriptions.reports import apply
from control.subscriptions.subscription import (
    DAY_SECONDS,
    Subscription,
    cancelled,
    changed,
    ended,
    resumed,
    settled,
    subscribed,
)
from control.subscriptions.subscription_states import State
from matinee.errors import Conflict, NotFound
from matinee.rpc import WEBHOOK_KEYS, Context
from matinee.tokens import Clock
from protos.v1 import subscriptions_pb2 as pb

Change = Callable[[Entry], Subscription]


class SubscriptionService(Offer):
    """Every change is one transaction: it is made to what time has left of the subscription, and its event recorded.

    What ends a subscription looks again at what the account plays in that transaction; the consumer of
    `subscription-updated` does so after every other change.
    """

    def __init__(
        self,
        *,
        database: Database,
        announcer: Announcer,
        access: Access,
        providers: Sequence[WebhookPayments],
        clock: Clock,
    ) -> None:
        super().__init__(database, clock)
        self._announcer = announcer
        self._access = access
        self._providers = providers
        self._payments: Payments = providers[0] if providers else ManualPayments()

    @override
    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Context) -> pb.GetSubscriptionResponse:
        async with self._database.read() as connection:
            entry = await ledger.current(connection, caller().account_id, self._clock())
            standing = await ledger.standing(connection, caller().account_id, caller().role, self._clock())
        shown = None if entry is None else messages.subscription(entry.subscription, entry.plan)
        in_force = standing.plan.plan_id if standing.plan else ""
        entitlement = messages.entitlement(self._access.limits(standing), in_force)
        checkout_url = "" if entry is None else self._checkout_url(entry.subscription)
        return pb.GetSubscriptionResponse(subscription=shown, entitlement=entitlement, checkout_url=checkout_url)

    @override
    async def Subscribe(self, request: pb.SubscribeRequest, context: Context) -> pb.SubscribeResponse:
        account_id = caller().account_id
        async with self._database.write() as connection:
            await self._caught_up(connection, account_id)
            plan = await _offered(connection, request.plan_id)
            known = await ledger.current(connection, account_id, self._clock())
            subscription = await self._begun(connection, account_id, plan, known)
        shown = messages.subscription(subscription, plan)
        return pb.SubscribeResponse(subscription=shown, checkout_url=self._checkout_url(subscription))

    @override
    async def ChangePlan(self, request: pb.ChangePlanRequest, context: Context) -> pb.ChangePlanResponse:
        async with self._database.write() as connection:
            await self._caught_up(connection, caller().account_id)
            plan = await _offered(connection, request.plan_id)
            entry = await self._own(connection)
            self._check_paid_change(entry, plan)
            subscription = changed(entry.subscription, plan)
            await ledger.record(connection, subscription, self._clock)
        return pb.ChangePlanResponse(subscription=messages.subscription(subscription, plan))

    @override
    async def CancelSubscription(
        self, request: pb.CancelSubscriptionRequest, context: Context
    ) -> pb.CancelSubscriptionResponse:
        end = ended if request.now else cancelled
        changed_entry = await self._change(lambda entry: end(entry.subscription, self._clock()))
        return pb.CancelSubscriptionResponse(subscription=changed_entry)

    @override
    async def ResumeSubscription(
        self, request: pb.ResumeSubscriptionRequest, context: Context
    ) -> pb.ResumeSubscriptionResponse:
        return pb.ResumeSubscriptionResponse(subscription=await self._change(lambda entry: resumed(entry.subscription)))

    @override
    async def ListSubscriptions(
        self, request: pb.ListSubscriptionsRequest, context: Context
    ) -> pb.ListSubscriptionsResponse:
        asked, now = PageRequest.read(request.page_size, request.page_token), self._clock()
        async with self._database.read() as connection:
            found = await subscriptions.page(connection, asked.before, asked.look_ahead)
            page = asked.cut(found, lambda subscription: subscription.subscription_id)
            entries = [await ledger.as_of(connection, subscription, now) for subscription in page.items]
        shown = [messages.subscription(entry.subscription, entry.plan) for entry in entries]
        return pb.ListSubscriptionsResponse(subscriptions=shown, next_page_token=page.next_token)

    @override
    async def SetSubscription(self, request: pb.SetSubscriptionRequest, context: Context) -> pb.SetSubscriptionResponse:
        account_id, now = inputs.identifier("account_id", request.account_id), self._clock()
        async with self._database.write() as connection:
            await self._caught_up(connection, account_id)
            entry = await ledger.current(connection, account_id, now)
            if not request.plan_id:
                if entry is None:
                    return pb.SetSubscriptionResponse()
                plan, subscription = entry.plan, ended(entry.subscription, now)
            else:
                plan = await _known(connection, request.plan_id)
                until = request.paid_until.ToMicroseconds() / 1e6 if request.HasField("paid_until") else None
                subscription = self._settled(account_id, entry, plan, until, now)
            await ledger.record(connection, subscription, self._clock, new=entry is None)
            await self._access.review(connection, account_id)
        self._announcer.wake()
        return pb.SetSubscriptionResponse(subscription=messages.subscription(subscription, plan))

    @override
    async def ReceivePayment(self, request: pb.ReceivePaymentRequest, context: Context) -> pb.ReceivePaymentResponse:
        provider = provider_of(request.provider, self._providers)
        metadata = {key: str(value) for key, value in context.invocation_metadata() or () if key in WEBHOOK_KEYS}
        report = provider.read(request.report.data, metadata)
        async with self._database.write() as connection:
            if await subscriptions.note_report(connection, provider.name, report.webhook_id, self._clock()):
                await apply(connection, provider.name, report, self._access)
        self._announcer.wake()
        return pb.ReceivePaymentResponse()

    @override
    async def CheckAccess(self, request: pb.CheckAccessRequest, context: Context) -> pb.CheckAccessResponse:
        account_id = inputs.identifier("account_id", request.account_id)
        async with self._database.read() as connection:
            title = await titles.find(connection, inputs.identifier("title_id", request.title_id))
            if title is None or not visible(title, self._clock()):
                raise NotFound("there is no such title")
            account = await accounts.find(connection, account_id)
            if account is None:
                raise NotFound("there is no such account")
            standing = await ledger.standing(connection, account_id, account.role, self._clock())
            reason = await self._access.refusal(connection, standing, title)
        in_force = standing.plan.plan_id if standing.plan else ""
        entitlement = messages.entitlement(self._access.limits(standing), in_force)
        return pb.CheckAccessResponse(allowed=not reason, reason=reason, entitlement=entitlement)

    async def _caught_up(self, connection: Connection, account_id: str) -> None:
        """Hold an account, and record what time has made of its subscription. Raises `NotFound`."""
        await self._access.standing(connection, account_id)
        await ledger.catch_up(connection, account_id, self._clock)

    async def _own(self, connection: Connection) -> Entry:
        entry = await ledger.current(connection, caller().account_id, self._clock())
        if entry is None:
            raise NotFound("you have no subscription")
        return entry

    async def _change(self, change: Change) -> pb.Subscription:
        """Change the caller's subscription; if that ends it, what it paid for ends with it."""
        async with self._database.write() as connection:
            await self._caught_up(connection, caller().account_id)
            entry = await self._own(connection)
            subscription = change(entry)
            if subscription != entry.subscription:
                await ledger.record(connection, subscription, self._clock)
            if subscription.state is State.ENDED:
                await self._access.review(connection, subscription.account_id)
        self._announcer.wake()
        return messages.subscription(subscription, entry.plan)

    def _check_paid_change(self, entry: Entry, plan: Plan) -> None:
        paid_elsewhere = entry.subscription.provider != ManualPayments.name and entry.subscription.in_force
        if paid_elsewhere and plan.plan_id != entry.plan.plan_id and plan.level >= entry.plan.level:
            raise Conflict(f"'{entry.subscription.provider}' takes your payments: change to this plan there")

    async def _begun(self, connection: Connection, account_id: str, plan: Plan, known: Entry | None) -> Subscription:
        """A new subscription; or the one that there is, when it is to this plan or still waits to be paid here."""
        payments = self._payments
        if known is not None and known.subscription.in_force:
            if known.plan.plan_id != plan.plan_id:
                raise Conflict("you have a subscription: change its plan, or cancel it first")
            return known.subscription
        if known is not None and known.subscription.provider == payments.name:
            subscription = changed(known.subscription, plan)
            if subscription != known.subscription:
                await ledger.record(connection, subscription, self._clock)
            return subscription
        if known is not None:
            await ledger.record(connection, ended(known.subscription, self._clock()), self._clock)
        first = not await subscriptions.any_of_account(connection, account_id)
        subscription = subscribed(
            new_id(self._clock), account_id, plan, self._clock(),
            provider=payments.name, first=first, at_once=payments.at_once,
        )  # fmt: skip
        await ledger.record(connection, subscription, self._clock, new=True)
        return subscription

    def _checkout_url(self, subscription: Subscription) -> str:
        """Where to pay for a subscription; empty when it is paid, or there is no such page (any more)."""
        provider = next((each for each in self._providers if each.name == subscription.provider), None)
        return provider.checkout_url(subscription) if provider and subscription.awaits_payment else ""

    def _settled(
        self, account_id: str, entry: Entry | None, plan: Plan, until: float | None, now: float
    ) -> Subscription:
        new = subscribed(
            new_id(self._clock), account_id, plan, now, provider=ManualPayments.name, first=False, at_once=True
        )
        default = now + plan.period_days * DAY_SECONDS
        return settled(entry.subscription if entry else new, plan, default if until is None else until, now)


async def _known(connection: Connection, name: str) -> Plan:
    plan = await plans.find(connection, plan_id(name))
    if plan is None:
        raise NotFound("there is no such plan")
    return plan


async def _offered(connection: Connection, name: str) -> Plan:
    plan = await _known(connection, name)
    if plan.retired:
        raise NotFound("this plan is not on offer any more")
    return plan
