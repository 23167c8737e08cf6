"""The player obeys and reports: other devices, the plan, and the person before it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.e2e.chromium import assert_advances, until
from tests.e2e.conftest import Title
from tests.e2e.viewers import PASSWORD, call, open_account, seated
from tests.patience import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

VIDEO = "document.querySelector('hls-video')"


@pytest.fixture
def email(signed_in: BrowserContext) -> str:
    return open_account(signed_in)


@pytest.fixture
def viewer(browser: Browser, stack: Stack, email: str) -> Iterator[BrowserContext]:
    with seated(browser, stack, email, PASSWORD) as context:
        yield context


class Reports(list[str]):
    """What a page tells of its playback session: `pause`, `resume`, `seek`, `report`, `stop`."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("request", self._hear)

    def _hear(self, request: Request) -> None:
        if "/playback/" in request.url:
            self.append(request.url.rpartition(":")[2])


def begin(context: BrowserContext, title: Title, query: str = "?from=0") -> tuple[Page, str]:
    """A page on which the film runs, and its playback session."""
    page = context.new_page()
    with page.expect_response("**/*:play") as played:
        page.goto(f"/watch/{title.title_id}{query}")
    until(page, f"{VIDEO}?.readyState >= 1")
    return page, played.value.json()["session_id"]


def tell(context: BrowserContext, session_id: str, deed: str, **fields: Any) -> None:
    """Do so from another device of the account."""
    call(context.request, "POST", f"/playback/{session_id}:{deed}", **fields)


def test_the_player_pauses_and_goes_on_as_another_device_says_and_tells_nobody(
    viewer: BrowserContext, title: Title
) -> None:
    page, session_id = begin(viewer, title)
    assert_advances(page, VIDEO)
    reports = Reports(page)
    tell(viewer, session_id, "pause")
    until(page, f"{VIDEO}.paused")
    tell(viewer, session_id, "resume")
    until(page, f"!{VIDEO}.paused")
    assert_advances(page, VIDEO)
    assert set(reports) <= {"report"}


def test_a_pause_of_the_viewer_is_told_with_its_place_and_stands(viewer: BrowserContext, title: Title) -> None:
    page, session_id = begin(viewer, title)
    assert_advances(page, VIDEO)
    with page.expect_response("**/*:pause") as paused:
        page.keyboard.press("k")
    told = paused.value.json()["session"]
    assert told["state"] == "PLAYBACK_STATE_PAUSED"
    assert told["position_seconds"] == pytest.approx(page.evaluate(f"{VIDEO}.currentTime"), abs=0.2)
    page.wait_for_timeout(1_500)  # news of the pause comes back to the page
    assert page.evaluate(f"{VIDEO}.paused")
    assert [one["session_id"] for one in call(viewer.request, "GET", "/playback")["sessions"]] == [session_id]


def test_a_page_that_waits_for_its_viewer_is_not_taken_for_watching(viewer: BrowserContext, title: Title) -> None:
    begin(viewer, title, query="")
    session = call(viewer.request, "GET", "/playback")["sessions"][0]
    assert session["state"] == "PLAYBACK_STATE_PAUSED"


def test_the_film_goes_on_elsewhere_where_it_was_left(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    page, _ = begin(viewer, title)
    until(page, f"{VIDEO}.currentTime > 5")
    page.goto("/")
    expect(page.get_by_role("region", name="Continue watching").get_by_role("link")).to_have_count(1)
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        other = elsewhere.new_page()
        other.goto(f"/title/{title.title_id}")
        other.get_by_role("link", name="Resume at 0:0").click()
        until(other, f"{VIDEO}?.currentTime > 4.5")
        expect(other.get_by_role("button", name="From the beginning")).to_be_visible()
        other.get_by_role("button", name="From the beginning").click()
        until(other, f"{VIDEO}.currentTime < 3")


def test_home_learns_of_what_was_watched_elsewhere_without_being_reloaded(viewer: BrowserContext, title: Title) -> None:
    home = viewer.new_page()
    home.goto("/")
    expect(home.get_by_role("heading", name="Now showing")).to_be_visible()
    page, _ = begin(viewer, title)
    until(page, f"{VIDEO}.currentTime > 5")
    page.close(run_before_unload=True)
    home.bring_to_front()
    expect(home.get_by_role("link", name=f"Resume {title.name}")).to_be_visible()


@pytest.fixture
def small_plan(signed_in: BrowserContext, title: Title) -> Iterator[str]:
    """A plan of one stream, which the film needs."""
    request = signed_in.request
    plan = {"plan_id": "single", "name": "Single", "level": 1, "max_streams": 1}
    known = [each["plan_id"] for each in call(request, "GET", "/plans").get("plans", [])]
    if "single" not in known:
        call(request, "POST", "/plans", plan=plan)
    call(request, "PATCH", f"/titles/{title.title_id}", plan_id="single")
    yield "Single"
    call(request, "PATCH", f"/titles/{title.title_id}", plan_id="")


@pytest.mark.usefixtures("small_plan")
def test_a_plan_that_is_missing_is_subscribed_to_on_the_way_to_the_film(viewer: BrowserContext, title: Title) -> None:
    page = viewer.new_page()
    page.goto(f"/title/{title.title_id}")
    page.get_by_role("link", name="See the plans").click()
    page.get_by_role("button", name="Subscribe to Single").click()
    expect(page.get_by_role("status")).to_contain_text("Single")
    page.goto(f"/title/{title.title_id}")
    page.get_by_role("link", name="Play").click()
    until(page, f"{VIDEO}?.currentTime > 1")


@pytest.mark.usefixtures("small_plan")
def test_one_stream_too_many_can_be_taken_over_and_the_other_is_told(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    call(viewer.request, "POST", "/subscription", plan_id="single")
    first, _ = begin(viewer, title)
    assert_advances(first, VIDEO)
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        second = elsewhere.new_page()
        second.goto(f"/watch/{title.title_id}?from=0")
        expect(second.get_by_role("heading", name="Every seat of your plan is taken")).to_be_visible()
        second.get_by_role("button", name="Watch here instead").click()
        until(second, f"{VIDEO}?.currentTime > 0")
        alert = first.get_by_role("alert")
        expect(alert).to_contain_text("Playback was stopped")
        expect(alert).to_contain_text("Playback goes on on another device.")


@pytest.mark.usefixtures("small_plan")
def test_a_plan_that_ends_ends_the_film_and_says_why(viewer: BrowserContext, title: Title) -> None:
    call(viewer.request, "POST", "/subscription", plan_id="single")
    page, _ = begin(viewer, title)
    assert_advances(page, VIDEO)
    call(viewer.request, "POST", "/subscription:cancel", now=True)
    expect(page.get_by_role("alert")).to_contain_text("needs the plan 'Single'")
    page.get_by_role("button", name="Watch again").click()
    expect(page.get_by_role("heading", name="Your plan does not include this film")).to_be_visible()
    page.get_by_role("button", name="See the plans").click()
    page.wait_for_url("**/plans")


def test_a_sign_in_elsewhere_stands_on_the_page_of_the_account_by_itself(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str
) -> None:
    page = viewer.new_page()
    page.goto("/account")
    rows = page.get_by_role("region", name="Where you are signed in").get_by_role("listitem")
    expect(rows).to_have_count(1)
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        expect(rows).to_have_count(2)
        rows.filter(has_not_text="this one").get_by_role("button").click()
        expect(rows).to_have_count(1)
        wait_until(lambda: elsewhere.request.get("/api/v1/account").status == 401, reproach=lambda: "still signed in")


@pytest.mark.parametrize("path", ["/", "/account"])
def test_who_signs_out_in_one_tab_has_signed_out_in_all(viewer: BrowserContext, path: str) -> None:
    with viewer.new_page() as other, other.expect_response("**/notices"):
        other.goto(path)
        with viewer.new_page() as page:
            page.goto("/search")
            page.get_by_role("button", name="Sign out").click()
            page.wait_for_url("**/sign-in")
        other.wait_for_url("**/sign-in*")


def test_a_list_of_the_account_that_cannot_be_fetched_says_so_and_is_tried_again(viewer: BrowserContext) -> None:
    page = viewer.new_page()
    page.route("**/api/v1/account/sessions*", lambda route: route.fulfill(status=503, json={"status": 503}))
    page.goto("/account")
    signed_in = page.get_by_role("region", name="Where you are signed in")
    expect(signed_in.get_by_role("alert")).to_have_text("This list could not be fetched.")
    page.unroute("**/api/v1/account/sessions*")
    signed_in.get_by_role("button", name="Try again").click()
    expect(signed_in.get_by_role("listitem")).to_have_count(1)
