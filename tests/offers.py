"""Plans and subscriptions of tests, over a running control."""

from typing import Any

from matinee.settings import PaymentProvider
from protos.v1 import subscriptions_pb2 as pb
from tests.control_house import House, Metadata

DAY = 86_400.0
SECRET = "whsec_" + "c2VjcmV0" * 4
ACME = PaymentProvider(name="acme", secret=SECRET, checkout_url="https://pay.example/{plan_id}?for={subscription_id}")


async def make_plan(house: House, plan_id: str = "family", **fields: Any) -> pb.Plan:
    """A plan on offer."""
    plan = pb.Plan(plan_id=plan_id, **{"name": plan_id.title(), "level": 1, **fields})
    return (await house.subscriptions.CreatePlan(pb.CreatePlanRequest(plan=plan), metadata=await house.admin())).plan


async def subscribe(house: House, person: Metadata, plan_id: str = "family") -> pb.SubscribeResponse:
    """What a person gets who subscribes."""
    return await house.subscriptions.Subscribe(pb.SubscribeRequest(plan_id=plan_id), metadata=person)


async def subscription(house: House, person: Metadata) -> pb.GetSubscriptionResponse:
    """What a person has."""
    return await house.subscriptions.GetSubscription(pb.GetSubscriptionRequest(), metadata=person)


async def cancel(house: House, person: Metadata, *, now: bool) -> pb.Subscription:
    """A person cancels."""
    request = pb.CancelSubscriptionRequest(now=now)
    return (await house.subscriptions.CancelSubscription(request, metadata=person)).subscription
