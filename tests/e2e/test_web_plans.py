"""The page of the plans: for a visitor, and where a provider takes the payments."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.e2e.viewers import PASSWORD, call, open_account, seated
from tests.offers import SECRET
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ACME = {"name": "acme", "secret": SECRET, "checkout_url": "https://pay.example/{plan_id}?for={subscription_id}"}


@pytest.fixture(scope="module")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An instance with a plan, and with a provider that takes the payments."""
    with running_stack(tmp_path_factory.mktemp("house"), PAYMENTS__PROVIDERS=json.dumps([ACME])) as running:
        with seated(browser, running, running.email, running.password) as operator:
            call(operator.request, "POST", "/plans", plan={"plan_id": "club", "name": "Club", "level": 1})
        yield running


@pytest.fixture
def email(browser: Browser, house: Stack) -> str:
    with seated(browser, house, house.email, house.password) as operator:
        return open_account(operator)


@pytest.fixture
def viewer(browser: Browser, house: Stack, email: str) -> Iterator[BrowserContext]:
    with seated(browser, house, email, PASSWORD) as context:
        context.route("https://pay.example/**", lambda route: route.fulfill(body="Pay here", content_type="text/html"))
        yield context


@pytest.fixture
def pending(viewer: BrowserContext) -> Page:
    """The plans of somebody who has been at the payment, and came back without having paid."""
    page = viewer.new_page()
    page.goto("/plans")
    page.get_by_role("button", name="Subscribe to Club").click()
    page.wait_for_url("https://pay.example/club?for=*")
    page.goto("/plans")
    expect(page.get_by_role("status")).to_contain_text("Club begins as soon as the payment has arrived.")
    return page


def test_a_visitor_sees_the_plans_and_comes_back_to_them_by_signing_in(
    browser: Browser, house: Stack, email: str
) -> None:
    with browser.new_context(base_url=house.url) as visitor:
        page = visitor.new_page()
        page.goto("/plans")
        page.get_by_role("button", name="Subscribe to Club").click()
        page.wait_for_url("**/sign-in?next=%2Fplans")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/plans")
        expect(page.get_by_role("status")).to_contain_text("You watch what is free.")


def test_free_days_are_promised_to_who_has_them_and_nobody_else(
    browser: Browser, house: Stack, viewer: BrowserContext
) -> None:
    with seated(browser, house, house.email, house.password) as operator:
        plan = {"plan_id": "preview", "name": "Preview", "level": 0, "trial_days": 7}
        call(operator.request, "POST", "/plans", plan=plan)
    page = viewer.new_page()
    page.goto("/plans")
    page.get_by_role("button", name="Try Preview for free").click()
    page.wait_for_url("https://pay.example/preview?for=*")
    page.goto("/plans")
    page.get_by_role("button", name="End it now").click()
    page.get_by_role("alertdialog").get_by_role("button", name="End it now").click()
    expect(page.get_by_role("button", name="Subscribe to Preview")).to_be_visible()


def test_who_looks_after_the_house_is_told_that_no_plan_is_needed(browser: Browser, house: Stack) -> None:
    with seated(browser, house, house.email, house.password) as operator:
        page = operator.new_page()
        page.goto("/plans")
        expect(page.get_by_role("status")).to_contain_text("You look after this house and watch everything")


def test_the_way_to_a_payment_that_is_waited_for_subscribes_to_nothing_again(pending: Page) -> None:
    changes: list[Request] = []
    pending.on("request", lambda request: changes.append(request) if request.method == "POST" else None)
    pending.get_by_role("link", name="Go to the payment").click()
    pending.wait_for_url("https://pay.example/club?for=*")
    assert changes == []


def test_who_does_not_want_to_pay_does_without(pending: Page) -> None:
    pending.get_by_role("button", name="Do without it").click()
    expect(pending.get_by_role("status")).to_contain_text("You watch what is free.")
    expect(pending.get_by_role("main")).to_be_focused()  # the button has gone


def test_who_tries_a_plan_is_led_to_the_payment_of_one_without_free_days(
    browser: Browser, house: Stack, viewer: BrowserContext
) -> None:
    with seated(browser, house, house.email, house.password) as operator:
        plan = {"plan_id": "taste", "name": "Taste", "level": 0, "trial_days": 7}
        call(operator.request, "POST", "/plans", plan=plan)
    call(viewer.request, "POST", "/subscription", plan_id="taste")
    page = viewer.new_page()
    page.goto("/plans")
    page.get_by_role("button", name="Change to Club").click()
    page.get_by_role("alertdialog", name="Change to Club?").get_by_role("button", name="Change the plan").click()
    page.wait_for_url("https://pay.example/club?for=*")
    page.goto("/plans")
    expect(page.get_by_role("status")).to_contain_text("You try Taste for free until")
