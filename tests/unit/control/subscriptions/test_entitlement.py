"""Entitlement: who may watch which title, and how."""

from dataclasses import replace

import pytest

from control.subscriptions.entitlement import Allowance, Standing, Wanted, allowance, refusal
from control.subscriptions.plan import Plan
from matinee.settings import SubscriptionSettings

BASIC = Plan("basic", "Basic", 0, level=1, max_streams=1, max_height=720, max_devices=2)
FAMILY = Plan("family", "Family", 0, level=2, max_streams=4)
FREE = SubscriptionSettings(free_streams=1, free_height=360, free_devices=3)


def viewer(plan: Plan | None = None) -> Standing:
    return Standing("a1", "viewer", plan)


def test_a_title_that_needs_no_plan_is_for_everybody() -> None:
    assert refusal(viewer(), Wanted("t1")) == ""
    assert refusal(viewer(replace(BASIC, tags=("kids",))), Wanted("t1")) == ""


def test_a_title_that_needs_a_plan_is_refused_without_one_by_its_name() -> None:
    assert refusal(viewer(), Wanted("t1", FAMILY)) == "this title needs the plan 'Family'"


@pytest.mark.parametrize(("level", "allowed"), [(1, False), (2, True), (3, True)])
def test_a_plan_allows_what_lower_ones_do(level: int, allowed: bool) -> None:
    assert bool(refusal(viewer(replace(BASIC, level=level)), Wanted("t1", FAMILY))) is not allowed


@pytest.mark.parametrize(("tags", "allowed"), [(("Kids", "new"), True), (("drama",), False), ((), False)])
def test_a_plan_with_tags_is_for_titles_that_have_one_of_them(tags: tuple[str, ...], allowed: bool) -> None:
    kids = replace(FAMILY, name="Kids", tags=("kids", "animals"))
    reason = refusal(viewer(kids), Wanted("t1", BASIC, tags))
    assert reason == ("" if allowed else "your plan 'Kids' does not include this title")


@pytest.mark.parametrize("role", ["publisher", "admin"])
def test_who_works_here_may_play_everything_without_a_limit(role: str) -> None:
    staff = Standing("a1", role)
    assert refusal(staff, Wanted("t1", FAMILY)) == ""
    assert allowance(staff, FREE) == Allowance(0, 0, 0)


def test_the_limits_are_those_of_the_plan_or_else_the_free_ones() -> None:
    assert allowance(viewer(BASIC), FREE) == Allowance(1, 720, 2)
    assert allowance(viewer(), FREE) == Allowance(1, 360, 3)
