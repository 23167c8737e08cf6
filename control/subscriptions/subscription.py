"""A subscription and its timeline: pure functions from a subscription to the one that follows.

Time ends trials, gives grace to periods that were not paid, and ends grace. `at` says what has become of a subscription
by a moment, from whatever moment on it is asked: so it makes no difference who looks when.
"""

from dataclasses import dataclass, replace

from control.subscriptions.plan import Plan
from control.subscriptions.subscription_states import IN_FORCE, UNPAID, Event, State, after
from matinee.errors import Conflict, InvalidInput

DAY_SECONDS = 86_400.0
LONGEST_SECONDS = 100 * 366 * DAY_SECONDS
"""How far ahead somebody can have paid."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An account's subscription to a plan. Times are Unix seconds; only a pending one has no `period_ends_at`."""

    subscription_id: str
    account_id: str
    plan_id: str
    state: State
    started_at: float
    period_ends_at: float | None
    provider: str
    cancelled: bool = False

    @property
    def in_force(self) -> bool:
        """Whether it allows what its plan does."""
        return self.state in IN_FORCE

    @property
    def awaits_payment(self) -> bool:
        """Whether somebody is to pay for it; nobody is for what was cancelled."""
        return self.state in UNPAID and not self.cancelled


def subscribed(
    subscription_id: str, account_id: str, plan: Plan, now: float, *, provider: str, first: bool, at_once: bool
) -> Subscription:
    """A new subscription: a trial if it is the account's first and the plan has one, else paid `at_once` or pending."""
    state, ends_at = State.PENDING, None
    if first and plan.trial_days:
        state, ends_at = State.TRIAL, now + plan.trial_days * DAY_SECONDS
    elif at_once:
        state, ends_at = State.ACTIVE, now + plan.period_days * DAY_SECONDS
    return Subscription(subscription_id, account_id, plan.plan_id, state, now, ends_at, provider)


def at(subscription: Subscription, plan: Plan, now: float) -> Subscription:
    """What time has made of a subscription by now."""
    while subscription.in_force and subscription.period_ends_at is not None and subscription.period_ends_at <= now:
        subscription = _lapsed(subscription, plan, subscription.period_ends_at)
    return subscription


def paid(subscription: Subscription, until: float, now: float) -> Subscription:
    """Paid until then; of reports that come in another order than they were made, the furthest counts.

    Raises `InvalidInput` for a moment that cannot be, `Conflict` when the subscription was cancelled and has ended.
    """
    if subscription.state is State.ENDED and subscription.cancelled:
        raise Conflict("the subscription was cancelled and has ended: pay the money back, or set the subscription anew")
    state = after(subscription.state, Event.PAY)
    known = subscription.period_ends_at if subscription.state is State.ACTIVE else None
    ends_at = max(_moment(until, now), known or 0)
    return replace(subscription, state=state, period_ends_at=ends_at)


def settled(subscription: Subscription, plan: Plan, until: float, now: float) -> Subscription:
    """What an operator says: this plan, paid until then, and not cancelled. Raises `InvalidInput`."""
    if _moment(until, now) <= now:
        raise InvalidInput("paid_until must lie ahead; to end the subscription leave plan_id empty")
    state = after(subscription.state, Event.PAY)
    return replace(subscription, plan_id=plan.plan_id, state=state, period_ends_at=until, cancelled=False)


def unpaid(subscription: Subscription, plan: Plan) -> Subscription:
    """The next period was not paid: what is left of this one goes on, and then the grace of the plan."""
    if subscription.cancelled or subscription.state is State.ENDED:
        return subscription
    state = after(subscription.state, Event.FAIL)
    ends_at = subscription.period_ends_at
    if subscription.state is State.ACTIVE and ends_at is not None:
        ends_at += plan.grace_days * DAY_SECONDS
    return replace(subscription, state=state, period_ends_at=ends_at)


def changed(subscription: Subscription, plan: Plan) -> Subscription:
    """The same subscription to another plan."""
    return replace(subscription, plan_id=plan.plan_id, state=after(subscription.state, Event.CHANGE))


def tried(subscription: Subscription, plan: Plan) -> Subscription:
    """A trial of another plan: its free days count from the first one of the trial, so that they may be over."""
    ends_at = subscription.started_at + plan.trial_days * DAY_SECONDS
    return replace(changed(subscription, plan), period_ends_at=ends_at)


def switched(subscription: Subscription, known: Plan, plan: Plan, now: float, *, by_hand: bool) -> Subscription | None:
    """Changed from the plan that is known to another one; None when that has to be paid at a provider first.

    Free days that are left go on; without any, whoever pays `by_hand` begins a period. Nobody pays for a lower plan.
    """
    if plan.plan_id == subscription.plan_id or not subscription.in_force:
        return changed(subscription, plan)
    if subscription.state is State.TRIAL:
        trial = tried(subscription, plan)
        if at(trial, plan, now).in_force:
            return trial
        return paid(changed(subscription, plan), now + plan.period_days * DAY_SECONDS, now) if by_hand else None
    return changed(subscription, plan) if by_hand or plan.level < known.level else None


def cancelled(subscription: Subscription, now: float) -> Subscription:
    """Cancelled: it ends with its period; a pending one ends now."""
    state = after(subscription.state, Event.CANCEL)
    if state is State.ENDED:
        return ended(subscription, now)
    return replace(subscription, state=state, cancelled=True)


def resumed(subscription: Subscription) -> Subscription:
    """A cancellation taken back."""
    return replace(subscription, state=after(subscription.state, Event.RESUME), cancelled=False)


def ended(subscription: Subscription, now: float) -> Subscription:
    """Cancelled and over now; one that has ended stays as it is."""
    if subscription.state is State.ENDED:
        return subscription
    state = after(subscription.state, Event.END)
    return replace(subscription, state=state, period_ends_at=now, cancelled=True)


def _lapsed(subscription: Subscription, plan: Plan, now: float) -> Subscription:
    goes_on = subscription.state is State.ACTIVE and plan.grace_days and not subscription.cancelled
    if not goes_on:
        return replace(subscription, state=after(subscription.state, Event.END))
    state = after(subscription.state, Event.LAPSE)
    return replace(subscription, state=state, period_ends_at=now + plan.grace_days * DAY_SECONDS)


def _moment(until: float, now: float) -> float:
    if not 0 < until <= now + LONGEST_SECONDS:
        raise InvalidInput("paid_until is no moment until which somebody can have paid")
    return until
