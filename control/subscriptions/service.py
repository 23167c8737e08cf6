"""SubscriptionService: who has which plan, and whether it is paid."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from typing_extensions import override

from control import inputs
from control.callers import caller
from control.catalogue.visibility import visible
from control.database import Connection, Database, accounts, subscriptions, titles
from control.identifiers import new_id
from control.playback.access import Access
from control.playback.announcer import Announcer
from control.subscriptions import ledger, messages
from control.subscriptions.administration import Administration
from control.subscriptions.entitlement import Standing
from control.subscriptions.ledger import Entry
from control.subscriptions.offer import Offer, offered_plan
from control.subscriptions.payments import ManualPayments, Payments, WebhookPayments, provider_of
from control.subscriptions.plan import Plan
from control.subscriptions.reports import apply
from control.subscriptions.subscription import (
    Subscription,
    cancelled,
    changed,
    ended,
    resumed,
    subscribed,
    switched,
)
from control.subscriptions.subscription_states import State
from matinee.errors import Conflict, NotFound
from matinee.rpc.metadata import WEBHOOK_KEYS
from matinee.rpc.server import Context
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
        self._administration = Administration(database, announcer, access, clock)
        self._providers = providers
        self._payments: Payments = providers[0] if providers else ManualPayments()

    @override
    async def GetSubscription(self, request: pb.GetSubscriptionRequest, context: Context) -> pb.GetSubscriptionResponse:
        async with self._database.read() as connection:
            entry = await ledger.current(connection, caller().account_id, self._clock())
            standing = await ledger.standing(connection, caller().account_id, caller().role, self._clock())
            known = await subscriptions.any_of_account(connection, caller().account_id)
        shown = None if entry is None else messages.subscription(entry.subscription, entry.plan)
        checkout_url = "" if entry is None else self._checkout_url(entry.subscription)
        return pb.GetSubscriptionResponse(
            subscription=shown, entitlement=self._entitlement(standing), checkout_url=checkout_url, may_try=not known
        )

    @override
    async def Subscribe(self, request: pb.SubscribeRequest, context: Context) -> pb.SubscribeResponse:
        account_id = caller().account_id
        async with self._database.write() as connection:
            await self._access.catch_up(connection, account_id)
            plan = await offered_plan(connection, request.plan_id)
            known = await ledger.current(connection, account_id, self._clock())
            subscription = await self._begun(connection, account_id, plan, known)
        shown = messages.subscription(subscription, plan)
        return pb.SubscribeResponse(subscription=shown, checkout_url=self._checkout_url(subscription))

    @override
    async def ChangePlan(self, request: pb.ChangePlanRequest, context: Context) -> pb.ChangePlanResponse:
        async with self._database.write() as connection:
            await self._access.catch_up(connection, caller().account_id)
            plan = await offered_plan(connection, request.plan_id)
            entry = await self._own(connection)
            checkout_url = self._checkout_url(replace(entry.subscription, plan_id=plan.plan_id))
            by_hand = entry.subscription.provider == ManualPayments.name
            subscription = switched(entry.subscription, entry.plan, plan, self._clock(), by_hand=by_hand)
            if subscription is None and not checkout_url:
                raise Conflict(f"'{entry.subscription.provider}' takes your payments: change to this plan there")
            if subscription is not None:
                await ledger.record(connection, subscription, self._clock)
                entry = Entry(subscription, plan)
        shown = messages.subscription(entry.subscription, entry.plan)
        return pb.ChangePlanResponse(subscription=shown, checkout_url=checkout_url)

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
        return await self._administration.page(request)

    @override
    async def SetSubscription(self, request: pb.SetSubscriptionRequest, context: Context) -> pb.SetSubscriptionResponse:
        return await self._administration.settle(request)

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
        return pb.CheckAccessResponse(allowed=not reason, reason=reason, entitlement=self._entitlement(standing))

    async def _own(self, connection: Connection) -> Entry:
        entry = await ledger.current(connection, caller().account_id, self._clock())
        if entry is None:
            raise NotFound("you have no subscription")
        return entry

    async def _change(self, change: Change) -> pb.Subscription:
        """Change the caller's subscription; if that ends it, what it paid for ends with it."""
        async with self._database.write() as connection:
            await self._access.catch_up(connection, caller().account_id)
            entry = await self._own(connection)
            subscription = change(entry)
            if subscription != entry.subscription:
                await ledger.record(connection, subscription, self._clock)
            if subscription.state is State.ENDED:
                await self._access.review(connection, subscription.account_id)
        self._announcer.wake()
        return messages.subscription(subscription, entry.plan)

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

    def _entitlement(self, standing: Standing) -> pb.Entitlement:
        plan_id = standing.plan.plan_id if standing.plan else ""
        return messages.entitlement(self._access.limits(standing), plan_id)

    def _checkout_url(self, subscription: Subscription) -> str:
        """Where to pay for a subscription; empty when it is paid, or there is no such page (any more)."""
        provider = next((each for each in self._providers if each.name == subscription.provider), None)
        return provider.checkout_url(subscription) if provider and subscription.awaits_payment else ""
