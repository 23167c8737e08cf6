"""The timeline of a subscription: what time, payments and cancellations make of it, whoever looks when."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.subscriptions.plan import Plan
from control.subscriptions.subscription import (
    DAY_SECONDS,
    Subscription,
    at,
    cancelled,
    changed,
    ended,
    paid,
    resumed,
    settled,
    subscribed,
    switched,
    tried,
    unpaid,
)
from control.subscriptions.subscription_states import State
from matinee.errors import Conflict, InvalidInput

START = 1_000_000.0
PLAN = Plan("family", "Family", START, trial_days=7, period_days=30, grace_days=3)


def day(number: float) -> float:
    return START + number * DAY_SECONDS


def begun(plan: Plan = PLAN, *, first: bool = False, at_once: bool = True) -> Subscription:
    return subscribed("s1", "a1", plan, START, provider="acme", first=first, at_once=at_once)


def test_the_first_subscription_begins_with_the_trial_of_the_plan() -> None:
    trial = begun(first=True)
    assert (trial.state, trial.period_ends_at) == (State.TRIAL, day(7))


def test_there_is_one_trial_only_and_none_without_days() -> None:
    assert begun(first=False).state is State.ACTIVE
    assert begun(replace(PLAN, trial_days=0), first=True).state is State.ACTIVE


def test_what_is_not_paid_at_once_waits_for_its_payment() -> None:
    pending = begun(at_once=False)
    assert (pending.state, pending.period_ends_at, pending.in_force) == (State.PENDING, None, False)
    assert at(pending, PLAN, day(1000)) == pending
    active = paid(pending, day(30), START)
    assert (active.state, active.period_ends_at) == (State.ACTIVE, day(30))


def test_a_trial_that_nobody_pays_ends_without_grace() -> None:
    trial = begun(first=True)
    assert at(trial, PLAN, day(7) - 1).state is State.TRIAL
    assert at(trial, PLAN, day(7)).state is State.ENDED


def test_an_unpaid_period_is_followed_by_grace_and_grace_by_the_end() -> None:
    active = begun()
    assert at(active, PLAN, day(30) - 1).state is State.ACTIVE
    grace = at(active, PLAN, day(30))
    assert (grace.state, grace.period_ends_at, grace.in_force) == (State.GRACE, day(33), True)
    assert at(grace, PLAN, day(33) - 1) == grace
    assert at(grace, PLAN, day(33)).state is State.ENDED


def test_without_days_of_grace_the_end_follows_at_once() -> None:
    assert at(begun(), replace(PLAN, grace_days=0), day(30)).state is State.ENDED


def test_a_payment_in_grace_makes_it_active_again() -> None:
    grace = at(begun(), PLAN, day(31))
    renewed = paid(grace, day(60), day(31))
    assert (renewed.state, renewed.period_ends_at) == (State.ACTIVE, day(60))


def test_reports_that_come_in_the_wrong_order_do_not_shorten_what_is_paid() -> None:
    assert paid(paid(begun(), day(90), START), day(60), START).period_ends_at == day(90)


def test_a_failed_payment_lets_the_period_run_out_and_then_the_grace() -> None:
    failed = unpaid(begun(), PLAN)
    assert (failed.state, failed.period_ends_at) == (State.GRACE, day(33))
    assert unpaid(failed, PLAN) == failed


@pytest.mark.parametrize("subscription", [begun(at_once=False), begun(first=True), cancelled(begun(), START)])
def test_a_failed_payment_changes_nothing_of_what_was_not_to_be_renewed(subscription: Subscription) -> None:
    assert unpaid(subscription, PLAN) == subscription


def test_the_free_days_of_another_plan_count_from_the_first_one() -> None:
    trial = begun(replace(PLAN, trial_days=7), first=True)
    longer, none = replace(PLAN, plan_id="cinema", trial_days=14), replace(PLAN, plan_id="cinema", trial_days=0)
    changed_plan = tried(trial, longer)
    assert (changed_plan.plan_id, changed_plan.state, changed_plan.period_ends_at) == ("cinema", State.TRIAL, day(14))
    assert at(tried(trial, none), none, day(1)).state is State.ENDED


def test_what_is_cancelled_goes_on_to_the_end_of_its_period_and_gets_no_grace() -> None:
    leaving = cancelled(begun(), day(1))
    assert (leaving.state, leaving.cancelled, leaving.period_ends_at) == (State.ACTIVE, True, day(30))
    assert at(leaving, PLAN, day(30)).state is State.ENDED


def test_a_cancellation_can_be_taken_back_until_then() -> None:
    assert resumed(cancelled(begun(), day(1))) == begun()
    with pytest.raises(Conflict):
        resumed(at(cancelled(begun(), day(1)), PLAN, day(30)))


def test_what_ends_now_ends_now() -> None:
    over = ended(begun(), day(2))
    assert (over.state, over.period_ends_at) == (State.ENDED, day(2))
    assert cancelled(begun(at_once=False), day(2)).state is State.ENDED


def test_a_late_payment_brings_back_what_nobody_cancelled() -> None:
    assert paid(at(begun(), PLAN, day(40)), day(70), day(40)).state is State.ACTIVE
    with pytest.raises(Conflict, match="cancelled"):
        paid(ended(begun(), day(2)), day(70), day(40))


def test_an_operator_sets_plan_and_end_and_takes_a_cancellation_back() -> None:
    family = replace(PLAN, plan_id="cinema")
    known = settled(cancelled(begun(), day(1)), family, day(10), day(1))
    assert (known.plan_id, known.period_ends_at, known.cancelled) == ("cinema", day(10), False)
    with pytest.raises(InvalidInput, match="ahead"):
        settled(begun(), PLAN, day(1), day(1))


@pytest.mark.parametrize("until", [0.0, -1.0, 1e300, float("nan"), float("inf")])
def test_a_moment_that_cannot_be_is_refused(until: float) -> None:
    with pytest.raises(InvalidInput):
        paid(begun(), until, START)


CHANGES: list[Callable[[Subscription, float], Subscription]] = [
    lambda subscription, now: paid(subscription, now + 20 * DAY_SECONDS, now),
    lambda subscription, _: unpaid(subscription, PLAN),
    cancelled,
    lambda subscription, _: resumed(subscription),
    ended,
    lambda subscription, _: changed(subscription, PLAN),
]
STEPS = st.lists(st.tuples(st.floats(0, 40), st.sampled_from(CHANGES)), max_size=12)


@given(steps=STEPS, first=st.booleans(), at_once=st.booleans(), looks=st.lists(st.floats(0, 100), max_size=5))
def test_it_makes_no_difference_who_looks_when(
    steps: list[tuple[float, Callable[[Subscription, float], Subscription]]],
    first: bool,
    at_once: bool,
    looks: list[float],
) -> None:
    subscription, now = begun(first=first, at_once=at_once), START
    for days, change in steps:
        now += days * DAY_SECONDS
        subscription = at(subscription, PLAN, now)
        try:
            subscription = change(subscription, now)
        except Conflict:
            continue
    looked = subscription
    for days in sorted(looks):
        looked = at(looked, PLAN, now + days * DAY_SECONDS)
    assert at(looked, PLAN, now + 100 * DAY_SECONDS) == at(subscription, PLAN, now + 100 * DAY_SECONDS)


@given(first=st.booleans(), grace=st.integers(0, 50), days=st.floats(0, 200))
def test_what_is_in_force_always_has_its_end_ahead(first: bool, grace: int, days: float) -> None:
    plan = replace(PLAN, grace_days=grace)
    subscription = at(begun(plan, first=first), plan, day(days))
    assert not subscription.in_force or (subscription.period_ends_at or 0) > day(days)


LOWER, HIGHER = replace(PLAN, plan_id="basic", level=0), replace(PLAN, plan_id="cinema", level=2, trial_days=0)


@pytest.mark.parametrize("by_hand", [True, False])
def test_nobody_pays_first_for_a_lower_plan_or_for_free_days_that_are_left(by_hand: bool) -> None:
    held, active, trial = replace(PLAN, level=1), begun(), begun(first=True)
    assert switched(active, held, LOWER, day(5), by_hand=by_hand) == replace(active, plan_id="basic")
    assert switched(trial, held, replace(HIGHER, trial_days=9), day(5), by_hand=by_hand) == replace(
        trial, plan_id="cinema", period_ends_at=day(9)
    )


def test_a_higher_plan_and_one_without_free_days_are_paid_first_where_a_provider_takes_payments() -> None:
    held, active, trial = replace(PLAN, level=1), begun(), begun(first=True)
    assert switched(active, held, HIGHER, day(5), by_hand=False) is None
    assert switched(trial, held, HIGHER, day(5), by_hand=False) is None
    assert switched(active, held, HIGHER, day(5), by_hand=True) == replace(active, plan_id="cinema")
    own = switched(trial, held, HIGHER, day(5), by_hand=True)
    assert own is not None
    assert (own.plan_id, own.state, own.period_ends_at) == ("cinema", State.ACTIVE, day(35))
