"""What happens elsewhere stands on the pages that are open, without their being loaded again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.chromium import VIDEO, until
from tests.e2e.conftest import Title
from tests.e2e.viewers import PASSWORD, begin, call, seated
from tests.films import film
from tests.patience import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def make(operator: BrowserContext, **fields: Any) -> str:
    """The title_id of a new title."""
    return str(call(operator.request, "POST", "/titles", title=fields)["title"]["title_id"])


def publish(operator: BrowserContext, title_id: str) -> None:
    call(operator.request, "POST", f"/titles/{title_id}:publish")


def remove(operator: BrowserContext, title_id: str) -> None:
    call(operator.request, "DELETE", f"/titles/{title_id}?force=true")


def open_page(context: BrowserContext, path: str) -> Page:
    """A page that hears the news of its account by now."""
    page = context.new_page()
    with page.expect_response("**/notices"):
        page.goto(path)
    return page


def test_home_learns_of_what_was_watched_elsewhere_without_being_reloaded(viewer: BrowserContext, title: Title) -> None:
    home = viewer.new_page()
    home.goto("/")
    expect(home.get_by_role("heading", name="Now showing")).to_be_visible()
    page, _ = begin(viewer, title.title_id)
    until(page, f"{VIDEO}.currentTime > 5")
    page.close(run_before_unload=True)
    home.bring_to_front()
    expect(home.get_by_role("link", name=f"Resume {title.name}")).to_be_visible()


@pytest.fixture
def begun(viewer: BrowserContext, signed_in: BrowserContext, title: Title) -> Iterator[Title]:
    """A film that the viewer has left in its middle, and may be hidden from viewers for a while."""
    session_id = call(viewer.request, "POST", f"/titles/{title.title_id}:play")["session_id"]
    for deed in ("report", "stop"):
        call(viewer.request, "POST", f"/playback/{session_id}:{deed}", position_seconds=10)
    wait_until(lambda: "entries" in call(viewer.request, "GET", "/history:unfinished"), reproach=lambda: "never begun")
    yield title
    publish(signed_in, title.title_id)


@pytest.mark.parametrize("path", ["/", "/search?q=Flashes"])
def test_what_is_shown_no_more_leaves_the_pages_that_show_it(
    viewer: BrowserContext, signed_in: BrowserContext, begun: Title, path: str
) -> None:
    page = open_page(viewer, path)
    links = page.locator(f"main a[href*='{begun.title_id}']")
    expect(links.first).to_be_visible()
    call(signed_in.request, "POST", f"/titles/{begun.title_id}:unpublish")
    expect(links).to_have_count(0)


def test_the_page_of_a_title_says_that_it_is_shown_no_more(
    viewer: BrowserContext, signed_in: BrowserContext, begun: Title
) -> None:
    page = open_page(viewer, f"/title/{begun.title_id}")
    expect(page.get_by_role("link", name="Resume")).to_be_visible()
    call(signed_in.request, "POST", f"/titles/{begun.title_id}:unpublish")
    expect(page.get_by_role("link", name="Resume")).to_have_count(0)
    publish(signed_in, begun.title_id)
    expect(page.get_by_role("link", name="Resume")).to_be_visible()


@pytest.fixture
def liked(signed_in: BrowserContext, title: Title) -> Iterator[str]:
    """The name of a film that is popular, and needs a plan."""
    operator = signed_in.request
    call(operator, "POST", "/plans", plan={"plan_id": "liked", "name": "Liked", "level": 1})
    call(operator, "PATCH", f"/titles/{title.title_id}", plan_id="liked")
    yield title.name
    call(operator, "PATCH", f"/titles/{title.title_id}", plan_id="")
    call(operator, "POST", "/plans/liked:retire")


def test_home_recommends_what_a_plan_opens_as_soon_as_there_is_one_and_no_longer(
    viewer: BrowserContext, liked: str
) -> None:
    home = open_page(viewer, "/")
    popular = home.get_by_role("region", name="Popular").get_by_role("link", name=liked)
    expect(home.get_by_role("heading", name="Now showing")).to_be_visible()
    expect(popular).to_have_count(0)
    call(viewer.request, "POST", "/subscription", plan_id="liked")
    expect(popular).to_be_visible()
    call(viewer.request, "POST", "/subscription:cancel", now=True)
    expect(popular).to_have_count(0)


@pytest.fixture
def series(signed_in: BrowserContext) -> Iterator[str]:
    """The title_id of a series that viewers see, with nothing in it."""
    series = make(signed_in, name="Meadow Stories", kind="TITLE_KIND_SERIES")
    publish(signed_in, series)
    yield series
    remove(signed_in, series)


def test_the_page_of_a_series_shows_new_seasons_and_episodes(
    viewer: BrowserContext, signed_in: BrowserContext, stack: Stack, series: str, tmp_path: Path
) -> None:
    page = open_page(viewer, f"/title/{series}")
    season = make(signed_in, name="Season 1", kind="TITLE_KIND_SEASON", parent_id=series, number=1)
    publish(signed_in, season)
    expect(page.get_by_role("heading", name="Season 1")).to_be_visible()
    episode = make(signed_in, name="Morning", kind="TITLE_KIND_EPISODE", parent_id=season, number=1)
    short = film(tmp_path / "morning.mp4", seconds=2, size=(320, 180))
    done = stack.matinee("ingest", str(short), "--title-id", episode, "--wait")
    assert done.returncode == 0, done.stderr
    expect(page.get_by_role("link", name="1. Morning")).to_be_visible()
    expect(page.get_by_role("link", name="Play “Morning”")).to_be_visible()


def test_a_sign_in_elsewhere_stands_on_the_page_of_the_account_by_itself(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str
) -> None:
    page = viewer.new_page()
    page.goto("/account#1")  # no place of the page is called so
    rows = page.get_by_role("region", name="Where you are signed in").get_by_role("listitem")
    expect(rows).to_have_count(1)
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        expect(rows).to_have_count(2)
        rows.filter(has_not_text="this one").get_by_role("button").click()
        expect(rows).to_have_count(1)
        recent = page.get_by_role("region", name="Recent sign-ins").get_by_role("listitem")
        expect(recent).to_have_count(2)
        expect(recent.filter(has_text="signed out")).to_have_count(1)
        wait_until(lambda: elsewhere.request.get("/api/v1/account").status == 401, reproach=lambda: "still signed in")


def test_what_plays_elsewhere_stands_on_the_page_of_the_account_as_long_as_it_plays(
    viewer: BrowserContext, title: Title
) -> None:
    page = open_page(viewer, "/account")
    devices = page.get_by_role("region", name="Devices")
    expect(devices).to_contain_text("You have not watched anything yet.")
    played = call(viewer.request, "POST", f"/titles/{title.title_id}:play", device="Television", device_id="tv")
    call(viewer.request, "POST", f"/playback/{played['session_id']}:resume")
    row = devices.get_by_role("listitem").filter(has_text="Television")
    expect(row).to_contain_text("plays now")
    call(viewer.request, "POST", f"/playback/{played['session_id']}:stop")
    expect(row).not_to_contain_text("plays now")


def test_what_is_removed_and_signed_out_elsewhere_leaves_the_page_of_the_account(
    browser: Browser, stack: Stack, viewer: BrowserContext, email: str, title: Title
) -> None:
    call(viewer.request, "POST", f"/titles/{title.title_id}:play", device="Television", device_id="tv")
    with seated(browser, stack, email, PASSWORD) as elsewhere:
        page = open_page(viewer, "/account")
        devices = page.get_by_role("region", name="Devices").get_by_role("listitem")
        sign_ins = page.get_by_role("region", name="Where you are signed in").get_by_role("listitem")
        expect(devices).to_have_count(1)
        expect(sign_ins).to_have_count(2)
        call(elsewhere.request, "DELETE", "/account/devices/tv")
        expect(devices).to_have_count(0)
        call(elsewhere.request, "POST", "/auth:logout")
        expect(sign_ins).to_have_count(1)
