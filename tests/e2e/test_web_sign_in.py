"""The ways in: by a letter, by a provider, and by a new password."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.chromium import Complaints
from tests.e2e.letters import link_in_letter
from tests.e2e.viewers import PASSWORD
from tests.openid_provider import SECRET, running_provider
from tests.ports import free_port
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An instance that trusts a provider, and writes its letters into its log."""
    port = free_port("127.0.0.1")
    with running_provider(f"http://127.0.0.1:{port}/sign-in/callback") as (issuer, _):
        known = {"provider": "idp", "display_name": "The Guild", "issuer": issuer}
        providers = [known | {"client_id": "matinee", "client_secret": SECRET}]
        data = tmp_path_factory.mktemp("house")
        with running_stack(data, port=port, OIDC__PROVIDERS=json.dumps(providers)) as running:
            yield running


@pytest.fixture
def visitor(browser: Browser, house: Stack) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=house.url) as context:
        yield context


@pytest.fixture
def page(visitor: BrowserContext) -> Page:
    return visitor.new_page()


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def expect_home(page: Page) -> None:
    expect(page.get_by_role("navigation")).to_be_visible()
    expect(page.get_by_role("heading", name="The lights are still on")).to_be_visible()


def go_through_the_provider(page: Page, email: str) -> None:
    page.get_by_role("button", name="Continue with The Guild").click()
    page.locator("input[name=login]").fill(email)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button").first.click()
    page.get_by_role("button", name="Continue").click()


def expect_closed_door(page: Page) -> None:
    expect(page.get_by_role("heading", name="That did not open the door")).to_be_visible()
    page.get_by_role("link", name="Back to the entrance").click()
    expect(page.get_by_label("E-mail")).to_be_visible()


def register(page: Page, house: Stack, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name="New here?").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(link_in_letter(house, email, "/confirm"))
    expect_home(page)


def test_somebody_registers_and_is_in_by_the_link_of_a_letter(page: Page, house: Stack) -> None:
    complaints = Complaints(page)
    register(page, house, "ada@example.org")
    page.goto("/account")
    expect(page.get_by_text("ada@example.org")).to_be_visible()
    assert [each for each in complaints if "401" not in each] == []


def test_a_link_opens_an_account_once(page: Page, house: Stack) -> None:
    register(page, house, "bert@example.org")
    page.goto(link_in_letter(house, "bert@example.org", "/confirm"))
    expect(page.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    assert "token" not in page.url


def test_a_forgotten_password_is_set_anew_by_the_link_of_a_letter(page: Page, house: Stack) -> None:
    register(page, house, "cleo@example.org")
    page.goto("/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill("cleo@example.org")
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(link_in_letter(house, "cleo@example.org", "/reset"))
    page.get_by_label("New password").fill("another song about rain")
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "cleo@example.org", "another song about rain")
    expect_home(page)


def test_who_comes_to_search_without_having_signed_in_is_asked_to(page: Page) -> None:
    page.goto("/search")
    page.wait_for_url("**/sign-in?next=%2Fsearch")


def test_a_password_that_is_too_short_is_not_sent(page: Page) -> None:
    page.goto("/register")
    page.get_by_label("E-mail").fill("dora@example.org")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Register").click()
    assert page.get_by_label("Password").evaluate("input => input.validity.tooShort")
    expect(page.get_by_role("heading", name="Take a seat of your own")).to_be_visible()


def test_a_provider_signs_in_and_leads_to_the_page_that_was_wanted(page: Page, house: Stack) -> None:
    complaints = Complaints(page)
    page.goto("/account")
    page.wait_for_url("**/sign-in?next=*")
    go_through_the_provider(page, "emil@example.org")
    page.wait_for_url("**/account")
    expect(page.get_by_text("emil@example.org")).to_be_visible()
    assert [each for each in complaints if house.url in each and "401" not in each] == []


def test_a_provider_that_is_away_is_told_and_may_be_tried_again(page: Page) -> None:
    page.goto("/sign-in")
    begin = "**/api/v1/auth/providers/idp:begin"
    page.route(begin, lambda route: route.fulfill(status=503, json={"code": "UNAVAILABLE", "detail": "away"}))
    page.get_by_role("button", name="Continue with The Guild").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody answers behind that door.")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()
    page.unroute(begin)
    go_through_the_provider(page, "frida@example.org")
    expect_home(page)


def test_an_answer_that_nobody_asked_the_provider_for_opens_nothing(page: Page) -> None:
    page.goto("/sign-in/callback?code=stolen&state=forged")
    expect(page.get_by_role("heading", name="That did not open the door")).to_be_visible()
    assert "code" not in page.url
    expect_closed_door(page)


def test_an_answer_to_the_sign_in_of_another_browser_opens_nothing(page: Page, browser: Browser, house: Stack) -> None:
    with browser.new_context(base_url=house.url) as of_an_attacker:
        attacker = of_an_attacker.new_page()
        attacker.route("**/api/v1/auth:completeSignIn", lambda route: route.abort())  # so that the code stays good
        attacker.goto("/sign-in")
        with attacker.expect_request("**/sign-in/callback?*") as answer:
            go_through_the_provider(attacker, "mallory@example.org")
    page.goto(answer.value.url)
    expect_closed_door(page)
    assert page.context.cookies() == []


def test_who_thinks_better_of_it_at_the_provider_is_told_and_may_begin_again(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("button", name="Continue with The Guild").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("You were not signed in there.")).to_be_visible()
    assert "error" not in page.url
    expect_closed_door(page)
