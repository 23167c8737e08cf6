"""The player obeys and reports: other devices, the plan, and the person before it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.e2e.chromium import VIDEO, assert_advances, until
from tests.e2e.conftest import Title
from tests.e2e.viewers import PASSWORD, begin, call, seated
from tests.films import film
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Reports(list[str]):
    """What a page tells of its playback session: `pause`, `resume`, `seek`, `report`, `stop`."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("request", self._hear)

    def _hear(self, request: Request) -> None:
        if "/playback/" in request.url:
            self.append(request.url.rpartition(":")[2])


def running(viewer: BrowserContext, title: Title) -> Page:
    """A page on which the film runs."""
    page, _ = begin(viewer, title.title_id)
    assert_advances(page, VIDEO)
    return page


def tell(context: BrowserContext, session_id: str, deed: str, **fields: Any) -> None:
    """Do so from another device of the account."""
    call(context.request, "POST", f"/playback/{session_id}:{deed}", **fields)


def test_the_player_pauses_and_goes_on_as_another_device_says_and_tells_nobody(
    viewer: BrowserContext, title: Title
) -> None:
    page, session_id = begin(viewer, title.title_id)
    assert_advances(page, VIDEO)
    reports = Reports(page)
    tell(viewer, session_id, "pause")
    until(page, f"{VIDEO}.paused")
    tell(viewer, session_id, "resume")
    until(page, f"!{VIDEO}.paused")
    assert_advances(page, VIDEO)
    assert set(reports) <= {"report"}


def test_a_pause_of_the_viewer_is_told_with_its_place_and_stands(viewer: BrowserContext, title: Title) -> None:
    page, session_id = begin(viewer, title.title_id)
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
    begin(viewer, title.title_id, query="")
    session = call(viewer.request, "GET", "/playback")["sessions"][0]
    assert session["state"] == "PLAYBACK_STATE_PAUSED"


def test_the_film_goes_on_elsewhere_where_it_was_left(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    page, _ = begin(viewer, title.title_id)
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


def test_a_film_that_plays_on_goes_on_elsewhere_where_it_is_by_then(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    page, _ = begin(viewer, title.title_id)
    until(page, f"{VIDEO}.currentTime > 12")
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        other, _ = begin(elsewhere, title.title_id, "?from=resume")
        began_at = until(other, f"{VIDEO}.currentTime > 0 && !{VIDEO}.seeking && {VIDEO}.currentTime")
        assert began_at == pytest.approx(page.evaluate(f"{VIDEO}.currentTime"), abs=4)


def test_a_film_that_is_left_elsewhere_than_where_it_was_paused_goes_on_there(
    viewer: BrowserContext, title: Title
) -> None:
    page, _ = begin(viewer, title.title_id)
    until(page, f"{VIDEO}.currentTime > 2")
    with page.expect_response("**/*:pause"):
        page.keyboard.press("k")
    page.evaluate(f"{VIDEO}.currentTime = 15")
    page.goto(f"/title/{title.title_id}")
    expect(page.get_by_role("link", name="Resume at 0:15")).to_be_visible()


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
    first = running(viewer, title)
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
    page = running(viewer, title)
    call(viewer.request, "POST", "/subscription:cancel", now=True)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This film needs a plan")
    expect(alert).to_contain_text("This title needs the plan 'Single'.")
    page.get_by_role("button", name="See the plans").click()
    page.wait_for_url("**/plans")


@pytest.fixture
def page_of_retired_plan(
    viewer: BrowserContext, signed_in: BrowserContext, title: Title, small_plan: str
) -> Iterator[Page]:
    """A page on which the film runs by a plan that is off the offer; it comes back afterwards."""
    path = f"/plans/{small_plan.lower()}"
    call(viewer.request, "POST", "/subscription", plan_id="single")
    call(signed_in.request, "POST", f"{path}:retire")
    try:
        yield running(viewer, title)
    finally:
        call(signed_in.request, "PATCH", path, retired=False)


def test_a_plan_that_ends_off_the_offer_is_no_film_to_watch_again(
    viewer: BrowserContext, title: Title, page_of_retired_plan: Page
) -> None:
    page = page_of_retired_plan
    call(viewer.request, "POST", "/subscription:cancel", now=True)
    expect(page.get_by_role("alert")).to_contain_text("This film needs a plan")
    page.goto(f"/title/{title.title_id}")
    expect(page.get_by_text("This is part of a plan that is not on offer any more")).to_be_visible()


@pytest.fixture
def lesser_plan(signed_in: BrowserContext) -> Iterator[str]:
    """A plan below all others."""
    call(signed_in.request, "POST", "/plans", plan={"plan_id": "lesser", "name": "Lesser", "level": 0})
    yield "lesser"
    call(signed_in.request, "POST", "/plans/lesser:retire")


def test_a_change_away_from_a_plan_off_the_offer_is_no_film_to_watch_again(
    viewer: BrowserContext, lesser_plan: str, page_of_retired_plan: Page
) -> None:
    call(viewer.request, "POST", "/subscription:change", plan_id=lesser_plan)
    expect(page_of_retired_plan.get_by_role("alert")).to_contain_text("This film needs a plan")


@pytest.fixture
def lowering(signed_in: BrowserContext, small_plan: str) -> Iterator[Callable[[], None]]:
    """Has the plan allow 234 lines from now on; all of them afterwards."""
    path = f"/plans/{small_plan.lower()}"
    yield lambda: call(signed_in.request, "PATCH", path, max_height=234)
    call(signed_in.request, "PATCH", path, max_height=0)


def test_a_plan_that_comes_to_allow_less_lowers_the_picture_and_the_film_goes_on(
    viewer: BrowserContext, title: Title, lowering: Callable[[], None]
) -> None:
    call(viewer.request, "POST", "/subscription", plan_id="single")
    viewer.route("**/*.mp4", lambda route: route.continue_())  # so that the browser keeps nothing of what it had
    page, _ = begin(viewer, title.title_id)
    page.evaluate(f"{VIDEO}.api.currentLevel = 0")
    assert_advances(page, VIDEO)
    lowering()
    until(page, f"fetch({VIDEO}.src).then((answer) => answer.text()).then((text) => !text.includes('x360'))")
    page.evaluate(f"{VIDEO}.api.currentLevel = 1")
    until(page, f"{VIDEO}?.api?.levels?.length === 1")
    assert_advances(page, VIDEO)
    assert page.evaluate(f"{VIDEO}.currentTime") > 1


@pytest.fixture
def closing(signed_in: BrowserContext, title: Title) -> Iterator[Callable[[], None]]:
    """Ends the film's window of availability at once; it is taken away afterwards."""
    path = f"/titles/{title.title_id}"
    yield lambda: call(signed_in.request, "PATCH", path, available_until=datetime.now(tz=UTC).isoformat())
    call(signed_in.request, "PATCH", path, clear_availability=True)


def test_a_film_whose_window_ends_is_stopped_and_the_programme_is_offered(
    viewer: BrowserContext, title: Title, closing: Callable[[], None]
) -> None:
    page = running(viewer, title)
    closing()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This film has left the programme")
    expect(alert).to_contain_text("This title is not available any more.")
    page.get_by_role("button", name="See the programme").click()
    page.wait_for_url("**/")


def test_a_film_that_is_paused_is_stopped_by_the_end_of_its_window_too(
    viewer: BrowserContext, title: Title, closing: Callable[[], None]
) -> None:
    page = running(viewer, title)
    with page.expect_response("**/*:pause"):
        page.keyboard.press("k")
    closing()
    expect(page.get_by_role("alert")).to_contain_text("This film has left the programme")


def test_a_film_that_is_paused_is_stopped_when_its_title_is_deleted(
    viewer: BrowserContext, signed_in: BrowserContext, stack: Stack, tmp_path: Path
) -> None:
    doomed = stack.ingest(film(tmp_path / "doomed.mp4", seconds=4), "Doomed")
    page, _ = begin(viewer, doomed)
    with page.expect_response("**/*:pause"):
        page.keyboard.press("k")
    call(signed_in.request, "DELETE", f"/titles/{doomed}?force=true")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("This film has left the programme")
    expect(alert).to_contain_text("The title was deleted.")


def test_a_sign_in_that_is_ended_elsewhere_ends_the_film_and_asks_for_another_one(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    page, _ = begin(viewer, title.title_id)
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        sessions = call(elsewhere.request, "GET", "/account/sessions")["sessions"]
        [other] = [each["session_id"] for each in sessions if not each.get("current")]
        call(elsewhere.request, "DELETE", f"/account/sessions/{other}")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out")
    page.get_by_role("alert").get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/sign-in?next=%2Fwatch%2F{title.title_id}")


@pytest.mark.usefixtures("small_plan")
def test_a_phone_shows_all_of_what_is_said_in_the_place_of_a_film(viewer: BrowserContext, title: Title) -> None:
    page = viewer.new_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"/watch/{title.title_id}?from=0")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("button", name="See the plans")).to_be_focused()
    screen, words = page.locator(".screen").bounding_box(), alert.bounding_box()
    assert screen is not None
    assert words is not None
    assert screen["y"] <= words["y"]
    assert words["y"] + words["height"] <= screen["y"] + screen["height"]


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


def test_a_password_that_was_changed_does_not_stay_in_its_form(viewer: BrowserContext) -> None:
    page = viewer.new_page()
    page.goto("/account")
    form = page.get_by_role("region", name="Password")
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_label("New password").fill("another song about rain")
    form.get_by_role("button", name="Change the password").click()
    expect(form.get_by_role("status")).to_have_text("Your new password holds from now on.")
    expect(form.get_by_label("Current password")).to_have_value("")
    expect(form.get_by_label("New password")).to_have_value("")
    form.get_by_label("Current password").fill(PASSWORD)  # which it is not any more
    form.get_by_label("New password").fill("a third song about rain")
    form.get_by_role("button", name="Change the password").click()
    expect(form.get_by_role("alert")).to_have_text("The current password is wrong.")
    expect(form.get_by_role("status")).to_have_count(0)
