"""Plans, subscriptions and what they allow, as the contracts show them."""

from control.subscriptions.entitlement import Allowance
from control.subscriptions.plan import Plan
from control.subscriptions.subscription import Subscription
from control.subscriptions.subscription_states import State
from control.timestamps import moment, timestamp
from protos.v1 import subscriptions_pb2

SUBSCRIPTION_STATES = {
    State.PENDING: subscriptions_pb2.SUBSCRIPTION_STATE_PENDING,
    State.TRIAL: subscriptions_pb2.SUBSCRIPTION_STATE_TRIAL,
    State.ACTIVE: subscriptions_pb2.SUBSCRIPTION_STATE_ACTIVE,
    State.GRACE: subscriptions_pb2.SUBSCRIPTION_STATE_GRACE,
    State.ENDED: subscriptions_pb2.SUBSCRIPTION_STATE_ENDED,
}


def plan(stored: Plan) -> subscriptions_pb2.Plan:
    """A plan."""
    return subscriptions_pb2.Plan(
        plan_id=stored.plan_id,
        name=stored.name,
        description=stored.description,
        price_label=stored.price_label,
        level=stored.level,
        max_streams=stored.max_streams,
        max_height=stored.max_height,
        max_devices=stored.max_devices,
        trial_days=stored.trial_days,
        period_days=stored.period_days,
        grace_days=stored.grace_days,
        tags=stored.tags,
        retired=stored.retired,
    )


def subscription(stored: Subscription, its_plan: Plan, email: str = "") -> subscriptions_pb2.Subscription:
    """A subscription, with the e-mail address of its account where that is told."""
    return subscriptions_pb2.Subscription(
        subscription_id=stored.subscription_id,
        account_id=stored.account_id,
        plan=plan(its_plan),
        state=SUBSCRIPTION_STATES[stored.state],
        started_at=timestamp(stored.started_at),
        period_ends_at=moment(stored.period_ends_at),
        cancelled=stored.cancelled,
        provider=stored.provider,
        email=email,
    )


def entitlement(limits: Allowance, plan_id: str) -> subscriptions_pb2.Entitlement:
    """What an account may do, by its plan or without one."""
    return subscriptions_pb2.Entitlement(
        max_streams=limits.max_streams,
        max_height=limits.max_height,
        max_devices=limits.max_devices,
        plan_id=plan_id,
    )
