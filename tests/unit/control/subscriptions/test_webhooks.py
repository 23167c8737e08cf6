"""What a payment provider reports, over the wire: it takes effect once, and for its own subscriptions alone."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api.httpbody_pb2 import HttpBody
from standardwebhooks.webhooks import Webhook

from control.database import subscriptions
from control.housekeeping import ROUND_SECONDS
from control.subscriptions.lapse import Lapse
from protos.v1 import subscriptions_pb2 as pb
from protos.v1.events_pb2 import SubscriptionUpdated
from tests.control_house import House, Metadata, bearer, refusal, running_control
from tests.offers import ACME, DAY, SECRET, cancel, make_plan, subscribe, subscription

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path, house_database_url: str, anyio_backend: str) -> AsyncIterator[House]:
    """A control with a payment provider."""
    async with running_control(
        tmp_path, database={"url": house_database_url}, payments={"providers": (ACME,)}
    ) as running:
        await make_plan(running, grace_days=5)
        yield running


async def report(
    house: House, kind: str, subscription_id: str, *, webhook_id: str = "m1", provider: str = "acme", **changes: str
) -> None:
    """Deliver a signed report, for the plan `family` unless it `changes` that."""
    data = {"subscription_id": subscription_id, "plan_id": "family", **changes}
    body, now = json.dumps({"type": kind, "data": data}), datetime.now(tz=UTC)
    metadata = (
        ("webhook-id", webhook_id),
        ("webhook-timestamp", str(int(now.timestamp()))),
        ("webhook-signature", Webhook(SECRET).sign(webhook_id, now, body)),
    )
    request = pb.ReceivePaymentRequest(provider=provider, report=HttpBody(data=body.encode()))
    await house.subscriptions.ReceivePayment(request, metadata=metadata)


def ahead(house: House, days: float) -> str:
    return datetime.fromtimestamp(house.clock() + days * DAY, tz=UTC).isoformat()


async def state(house: House, person: Metadata) -> str:
    has = await subscription(house, person)
    if not has.HasField("subscription"):
        return "none"
    return pb.SubscriptionState.Name(has.subscription.state).removeprefix("SUBSCRIPTION_STATE_").lower()


async def test_a_subscription_waits_for_its_payment_and_begins_with_it(house: House) -> None:
    viewer = await house.person("viewer")
    answer = await subscribe(house, viewer)
    own = answer.subscription.subscription_id
    assert answer.checkout_url == f"https://pay.example/family?for={own}"
    assert await state(house, viewer) == "pending"
    assert (await subscription(house, viewer)).entitlement.plan_id == ""
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    assert await state(house, viewer) == "active"
    assert (await subscription(house, viewer)).entitlement.plan_id == "family"


async def test_where_to_pay_is_told_as_long_as_a_payment_is_waited_for(house: House) -> None:
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    page = f"https://pay.example/family?for={own}"
    assert (await subscription(house, viewer)).checkout_url == page
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    assert (await subscription(house, viewer)).checkout_url == ""
    assert (await subscribe(house, viewer)).checkout_url == ""
    await report(house, "subscription.failed", own, webhook_id="m2")
    assert (await subscription(house, viewer)).checkout_url == page
    await cancel(house, viewer, now=False)
    assert (await subscription(house, viewer)).checkout_url == ""


async def test_the_free_days_can_be_paid_on_before_they_end(house: House) -> None:
    await make_plan(house, "cinema", trial_days=7)
    viewer = await house.person("viewer")
    answer = await subscribe(house, viewer, "cinema")
    assert answer.subscription.state == pb.SUBSCRIPTION_STATE_TRIAL
    assert answer.checkout_url.startswith("https://pay.example/cinema?for=")
    assert (await subscription(house, viewer)).checkout_url == answer.checkout_url


async def test_subscribing_again_to_what_waits_for_its_payment_is_no_news(house: House) -> None:
    viewer = await house.person("viewer")
    first = await subscribe(house, viewer)
    assert await subscribe(house, viewer) == first
    assert len(await house.events(SubscriptionUpdated)) == 1


async def test_a_report_that_comes_again_takes_effect_once(house: House) -> None:
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    before = await house.events(SubscriptionUpdated)
    await report(house, "subscription.cancelled", own)
    assert await state(house, viewer) == "active"
    assert await house.events(SubscriptionUpdated) == before


async def test_a_failed_payment_begins_the_grace_and_a_cancellation_ends_the_period(house: House) -> None:
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    await report(house, "subscription.failed", own, webhook_id="m2")
    assert await state(house, viewer) == "grace"
    await report(house, "subscription.cancelled", own, webhook_id="m3")
    assert (await subscription(house, viewer)).subscription.cancelled
    await report(house, "subscription.cancelled", own, webhook_id="m4", paid_until=ahead(house, -1))
    assert await state(house, viewer) == "none"


async def test_a_payment_of_what_was_cancelled_is_told_back_and_may_come_again(house: House) -> None:
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await cancel(house, viewer, now=True)
    for _ in range(2):
        async with refusal("FAILED_PRECONDITION", "was cancelled"):
            await report(house, "subscription.paid", own, paid_until=ahead(house, 30))


async def test_a_plan_that_was_paid_elsewhere_comes_with_the_report(house: House) -> None:
    await make_plan(house, "cinema", level=5)
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    async with refusal("FAILED_PRECONDITION", "'acme' takes your payments"):
        await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id="cinema"), metadata=viewer)
    await report(house, "subscription.paid", own, webhook_id="m2", paid_until=ahead(house, 30), plan_id="cinema")
    assert (await subscription(house, viewer)).entitlement.plan_id == "cinema"


async def test_nobody_changes_to_what_may_cost_more_without_paying(house: House) -> None:
    await make_plan(house, "another", level=1)
    await make_plan(house, "lower", level=0)
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    async with refusal("FAILED_PRECONDITION", "'acme' takes your payments"):
        await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id="another"), metadata=viewer)
    for plan_id in ("family", "lower"):
        await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id=plan_id), metadata=viewer)
        assert (await subscription(house, viewer)).entitlement.plan_id == plan_id


async def test_a_cheaper_plan_that_was_paid_opens_no_other(house: House) -> None:
    await make_plan(house, "cinema", level=5)
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer, "family")).subscription.subscription_id
    assert (await subscribe(house, viewer, "cinema")).subscription.subscription_id == own
    async with refusal("INVALID_ARGUMENT", "data.plan_id is missing"):
        await report(house, "subscription.paid", own, paid_until=ahead(house, 30), plan_id="")
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30), plan_id="family")
    assert (await subscription(house, viewer)).entitlement.plan_id == "family"


async def test_an_unknown_provider_and_a_forged_report_are_refused(house: House) -> None:
    async with refusal("NOT_FOUND", "no such payment provider"):
        await report(house, "subscription.paid", "0" * 26, provider="other")
    async with refusal("UNAUTHENTICATED", "not signed"):
        request = pb.ReceivePaymentRequest(provider="acme", report=HttpBody(data=b"{}"))
        await house.subscriptions.ReceivePayment(request)


async def test_a_provider_reports_of_its_own_subscriptions_alone(house: House) -> None:
    viewer, admin = await house.person("viewer"), await house.admin()
    account_id = (await subscribe(house, viewer)).subscription.account_id
    await cancel(house, viewer, now=True)
    put = pb.SetSubscriptionRequest(account_id=account_id, plan_id="family")
    manual = (await house.subscriptions.SetSubscription(put, metadata=admin)).subscription
    async with refusal("NOT_FOUND", "no such subscription"):
        await report(house, "subscription.cancelled", manual.subscription_id)


async def test_the_round_records_what_time_has_done(house: House) -> None:
    viewer = await house.person("viewer")
    own = (await subscribe(house, viewer)).subscription.subscription_id
    await report(house, "subscription.paid", own, paid_until=ahead(house, 30))
    house.clock.turn(31 * DAY + ROUND_SECONDS)
    async with house.database() as database:
        await Lapse(database, house.clock)()
        async with database.read() as connection:
            stored = await subscriptions.find(connection, own)
    assert stored is not None
    assert stored.state == "grace"
    assert [event.state for event in await house.events(SubscriptionUpdated)][-1] == "grace"


async def change(house: House, person: Metadata, plan_id: str) -> pb.ChangePlanResponse:
    return await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id=plan_id), metadata=person)


class TestChangesInTheFreeDays:
    """The house has a plan of 7 free days, of which five are over."""

    @pytest.fixture
    async def trial(self, house: House) -> pb.Subscription:
        await make_plan(house, "basic", level=1, trial_days=7)
        return (await subscribe(house, await house.person("viewer"), "basic")).subscription

    @pytest.fixture
    async def viewer(self, house: House, trial: pb.Subscription) -> Metadata:
        house.clock.turn(5 * DAY)
        answer = await house.sign_in(email="viewer@matinee.local", password="password")
        return bearer(answer.access_token)

    async def test_a_higher_plan_is_tried_for_what_is_left_of_its_own_free_days(
        self, house: House, trial: pb.Subscription, viewer: Metadata
    ) -> None:
        await make_plan(house, "cinema", level=2, trial_days=14)
        answer = await change(house, viewer, "cinema")
        now = answer.subscription
        assert (now.plan.plan_id, now.state) == ("cinema", pb.SUBSCRIPTION_STATE_TRIAL)
        assert now.period_ends_at.ToSeconds() - trial.started_at.ToSeconds() == 14 * DAY
        assert answer.checkout_url == f"https://pay.example/cinema?for={trial.subscription_id}"
        assert (await subscription(house, viewer)).entitlement.plan_id == "cinema"

    async def test_going_there_and_back_gains_and_loses_nothing(
        self, house: House, trial: pb.Subscription, viewer: Metadata
    ) -> None:
        await make_plan(house, "cinema", level=2, trial_days=14)
        await change(house, viewer, "cinema")
        assert (await change(house, viewer, "basic")).subscription == trial

    @pytest.mark.parametrize("trial_days", [0, 5])
    async def test_a_plan_without_free_days_left_begins_with_its_payment(
        self, house: House, trial: pb.Subscription, viewer: Metadata, trial_days: int
    ) -> None:
        await make_plan(house, "cinema", level=2, trial_days=trial_days)
        answer = await change(house, viewer, "cinema")
        assert answer.subscription == trial
        assert answer.checkout_url == f"https://pay.example/cinema?for={trial.subscription_id}"
        assert len(await house.events(SubscriptionUpdated)) == 1
        paid = {"paid_until": ahead(house, 30), "plan_id": "cinema"}
        await report(house, "subscription.paid", trial.subscription_id, **paid)
        has = await subscription(house, viewer)
        assert (has.entitlement.plan_id, has.subscription.state) == ("cinema", pb.SUBSCRIPTION_STATE_ACTIVE)

    async def test_who_has_cancelled_is_sent_to_no_payment(self, house: House, viewer: Metadata) -> None:
        await make_plan(house, "cinema", level=2)
        await cancel(house, viewer, now=False)
        async with refusal("FAILED_PRECONDITION", "'acme' takes your payments"):
            await change(house, viewer, "cinema")
