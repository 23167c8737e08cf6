"""SubscriptionService over the wire: plans, who has which, and what is told of it."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from protos.v1 import subscriptions_pb2 as pb
from protos.v1.events_pb2 import SubscriptionUpdated
from tests.control_house import House, Metadata, claims_of, refusal
from tests.offers import DAY, cancel, make_plan, subscribe, subscription
from tests.patience import until
from tests.statements import counted

pytestmark = pytest.mark.anyio

TRIAL, ACTIVE, GRACE, ENDED = (
    pb.SUBSCRIPTION_STATE_TRIAL,
    pb.SUBSCRIPTION_STATE_ACTIVE,
    pb.SUBSCRIPTION_STATE_GRACE,
    pb.SUBSCRIPTION_STATE_ENDED,
)


async def plan_ids(house: House, metadata: Metadata = (), *, retired: bool = False) -> list[str]:
    answer = await house.subscriptions.ListPlans(pb.ListPlansRequest(retired=retired), metadata=metadata)
    return [plan.plan_id for plan in answer.plans]


async def put(house: House, account: Metadata, plan_id: str, paid_until: float | None = None) -> pb.Subscription:
    """What the operator says of somebody's payment."""
    until = None if paid_until is None else Timestamp(seconds=int(paid_until))
    request = pb.SetSubscriptionRequest(account_id=claims_of(account)["sub"], plan_id=plan_id, paid_until=until)
    return (await house.subscriptions.SetSubscription(request, metadata=await house.admin())).subscription


async def told(house: House) -> list[str]:
    """The states that were told of subscriptions, in order."""
    return [event.state for event in await house.events(SubscriptionUpdated)]


async def test_everybody_sees_the_plans_on_offer_the_lowest_first(house: House) -> None:
    await make_plan(house, "cinema", level=2)
    await make_plan(house, "basic", level=1, tags=["kids"])
    assert await plan_ids(house) == ["basic", "cinema"]


@pytest.mark.parametrize(
    "fields",
    [
        {"plan_id": "No Plan"},
        {"plan_id": ""},
        {"plan_id": "x" * 33},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"level": -1},
        {"max_streams": 2**31 - 1},
        {"max_height": -5},
        {"period_days": -1},
        {"grace_days": 100_000},
        {"tags": ["x"] * 51},
        {"tags": ["x" * 51]},
        {"description": "\x07"},
    ],
)
async def test_a_plan_that_cannot_be_is_refused(house: House, fields: dict[str, object]) -> None:
    async with refusal("INVALID_ARGUMENT"):
        await make_plan(house, **{"plan_id": "family", **fields})  # type: ignore[arg-type]


async def test_a_plan_id_is_given_once(house: House) -> None:
    await make_plan(house)
    async with refusal("FAILED_PRECONDITION", "there is a plan 'family' already"):
        await make_plan(house)


async def test_a_change_of_a_plan_holds_for_who_has_it(house: House) -> None:
    await make_plan(house, max_height=720)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    request = pb.UpdatePlanRequest(plan_id="family", max_height=1080, name="All", tags=pb.PlanTags(tags=["a", "a"]))
    changed = (await house.subscriptions.UpdatePlan(request, metadata=await house.admin())).plan
    assert (changed.name, changed.max_height, changed.level, list(changed.tags)) == ("All", 1080, 1, ["a"])
    assert (await subscription(house, viewer)).entitlement.max_height == 1080


async def test_who_has_a_retired_plan_keeps_it_and_nobody_gets_it_any_more(house: House) -> None:
    await make_plan(house)
    viewer, admin = await house.person("viewer"), await house.admin()
    await subscribe(house, viewer)
    await house.subscriptions.RetirePlan(pb.RetirePlanRequest(plan_id="family"), metadata=admin)
    assert await plan_ids(house) == []
    assert await plan_ids(house, admin, retired=True) == ["family"]
    assert (await subscription(house, viewer)).entitlement.plan_id == "family"
    async with refusal("NOT_FOUND", "not on offer"):
        await subscribe(house, await house.person("publisher"))


async def test_a_plan_that_nobody_ever_had_goes_altogether(house: House) -> None:
    await make_plan(house)
    admin = await house.admin()
    await house.subscriptions.RetirePlan(pb.RetirePlanRequest(plan_id="family"), metadata=admin)
    assert await plan_ids(house, admin, retired=True) == []


async def test_retired_plans_are_for_an_admin_who_asks(house: House) -> None:
    async with refusal("UNAUTHENTICATED"):
        await plan_ids(house, retired=True)
    async with refusal("PERMISSION_DENIED"):
        await plan_ids(house, await house.person("viewer"), retired=True)


async def test_subscribing_takes_effect_at_once_with_the_manual_provider(house: House) -> None:
    await make_plan(house, max_streams=2, max_height=720, max_devices=3, period_days=10)
    viewer = await house.person("viewer")
    answer = await subscribe(house, viewer)
    assert (answer.subscription.state, answer.subscription.provider, answer.checkout_url) == (ACTIVE, "manual", "")
    assert answer.subscription.period_ends_at.ToSeconds() - house.clock() == pytest.approx(10 * DAY, abs=60)
    assert (await subscription(house, viewer)).entitlement == pb.Entitlement(
        max_streams=2, max_height=720, max_devices=3, plan_id="family"
    )


async def test_without_a_subscription_there_is_what_is_free(house: House) -> None:
    has = await subscription(house, await house.person("viewer"))
    assert not has.HasField("subscription")
    assert has.entitlement == pb.Entitlement()


async def test_the_trial_comes_once(house: House) -> None:
    await make_plan(house, trial_days=7)
    viewer = await house.person("viewer")
    assert (await subscription(house, viewer)).may_try
    assert (await subscribe(house, viewer)).subscription.state == TRIAL
    await cancel(house, viewer, now=True)
    assert not (await subscription(house, viewer)).may_try
    assert (await subscribe(house, viewer)).subscription.state == ACTIVE


async def test_time_is_seen_by_everybody_who_reads_before_anybody_records_it(house: House) -> None:
    await make_plan(house, period_days=10, grace_days=5)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    house.clock.turn(11 * DAY)
    viewer = await signed_in(house)
    assert (await subscription(house, viewer)).subscription.state == GRACE
    house.clock.turn(5 * DAY)
    viewer = await signed_in(house)
    assert not (await subscription(house, viewer)).HasField("subscription")
    listed = await house.subscriptions.ListSubscriptions(pb.ListSubscriptionsRequest(), metadata=await house.admin())
    assert [one.state for one in listed.subscriptions] == [ENDED]
    assert (await subscribe(house, viewer)).subscription.state == ACTIVE


async def signed_in(house: House) -> Metadata:
    """The viewer, whose token has expired meanwhile."""
    answer = await house.sign_in(email="viewer@matinee.local", password="password")
    return (("authorization", f"Bearer {answer.access_token}"),)


async def test_subscribing_again_to_the_same_plan_changes_nothing_and_to_another_is_refused(house: House) -> None:
    await make_plan(house)
    await make_plan(house, "cinema")
    viewer = await house.person("viewer")
    first = await subscribe(house, viewer)
    assert await subscribe(house, viewer) == first
    async with refusal("FAILED_PRECONDITION", "change its plan"):
        await subscribe(house, viewer, "cinema")


async def test_a_plan_is_changed_at_once_within_its_period(house: House) -> None:
    await make_plan(house)
    await make_plan(house, "cinema", level=2)
    viewer = await house.person("viewer")
    before = (await subscribe(house, viewer)).subscription
    request = pb.ChangePlanRequest(plan_id="cinema")
    after = (await house.subscriptions.ChangePlan(request, metadata=viewer)).subscription
    assert (after.plan.plan_id, after.period_ends_at) == ("cinema", before.period_ends_at)


async def test_a_trial_that_is_changed_to_a_plan_without_one_is_a_subscription_at_once(house: House) -> None:
    await make_plan(house, trial_days=3)
    await make_plan(house, "cinema", level=2, period_days=10)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    after = (await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id="cinema"), metadata=viewer)).subscription
    assert (after.plan.plan_id, after.state) == ("cinema", ACTIVE)
    assert after.period_ends_at.ToSeconds() - house.clock() == pytest.approx(10 * DAY, abs=60)


async def test_a_cancellation_at_the_end_can_be_taken_back(house: House) -> None:
    await make_plan(house)
    viewer = await house.person("viewer")
    await subscribe(house, viewer)
    assert (await cancel(house, viewer, now=False)).cancelled
    resumed = await house.subscriptions.ResumeSubscription(pb.ResumeSubscriptionRequest(), metadata=viewer)
    assert (resumed.subscription.cancelled, resumed.subscription.state) == (False, ACTIVE)


async def test_nobody_changes_what_they_do_not_have(house: House) -> None:
    await make_plan(house)
    viewer = await house.person("viewer")
    async with refusal("NOT_FOUND", "you have no subscription"):
        await cancel(house, viewer, now=True)
    async with refusal("NOT_FOUND", "you have no subscription"):
        await house.subscriptions.ChangePlan(pb.ChangePlanRequest(plan_id="family"), metadata=viewer)


async def test_an_operator_says_until_when_it_is_paid_and_ends_it(house: House) -> None:
    await make_plan(house)
    viewer = await house.person("viewer")
    until = house.clock() + 90 * DAY
    assert (await put(house, viewer, "family", until)).period_ends_at.ToSeconds() == int(until)
    assert (await put(house, viewer, "family", until + DAY)).period_ends_at.ToSeconds() == int(until + DAY)
    assert (await put(house, viewer, "")).state == ENDED
    assert not (await subscription(house, viewer)).HasField("subscription")


async def test_an_operator_cannot_set_what_is_not_there_or_lies_behind(house: House) -> None:
    await make_plan(house)
    viewer = await house.person("viewer")
    async with refusal("INVALID_ARGUMENT", "must lie ahead"):
        await put(house, viewer, "family", house.clock() - 1)
    async with refusal("NOT_FOUND", "no such plan"):
        await put(house, viewer, "none", house.clock() + DAY)
    async with refusal("NOT_FOUND", "no such account"):
        request = pb.SetSubscriptionRequest(account_id="0" * 26, plan_id="family")
        await house.subscriptions.SetSubscription(request, metadata=await house.admin())


async def test_every_change_is_told_with_its_plan_and_end(house: House) -> None:
    await make_plan(house, trial_days=3)
    viewer = await house.person("viewer")
    begun = (await subscribe(house, viewer)).subscription
    await cancel(house, viewer, now=False)
    await cancel(house, viewer, now=False)
    await cancel(house, viewer, now=True)
    events = await house.events(SubscriptionUpdated)
    assert [(event.state, event.cancelled) for event in events] == [
        ("trial", False),
        ("trial", True),
        ("ended", True),
    ]
    first = events[0]
    assert (first.account_id, first.plan_id) == (begun.account_id, "family")
    assert first.period_ends_at == begun.period_ends_at


async def test_a_page_of_subscriptions_asks_for_plans_once(house: House) -> None:
    await make_plan(house)
    admin = await house.admin()
    for role in ("viewer", "publisher"):
        await subscribe(house, await house.person(role))

    async def once() -> bool:
        with counted("FROM plans") as statements:
            await house.subscriptions.ListSubscriptions(pb.ListSubscriptionsRequest(), metadata=admin)
        return len(statements) == 1

    await until(once)  # who hears of the new subscriptions looks for their plans too, for a moment


async def test_subscriptions_are_listed_by_page_newest_first(house: House) -> None:
    await make_plan(house)
    admin = await house.admin()
    people = [await house.person(role) for role in ("viewer", "publisher")]
    ids = [(await subscribe(house, person)).subscription.subscription_id for person in people]
    first = await house.subscriptions.ListSubscriptions(pb.ListSubscriptionsRequest(page_size=1), metadata=admin)
    request = pb.ListSubscriptionsRequest(page_size=1, page_token=first.next_page_token)
    second = await house.subscriptions.ListSubscriptions(request, metadata=admin)
    listed = [one.subscription_id for page in (first, second) for one in page.subscriptions]
    assert (listed, second.next_page_token) == (ids[::-1], "")
