"""The network, or the house, is away for a while: the watch page says so, and goes on by itself."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.chromium import VIDEO, assert_advances, until
from tests.e2e.conftest import Title
from tests.e2e.viewers import begin
from tests.patience import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FEW = 3
"""So many requests for a track: what describes it, and twelve seconds of the film."""


class Line:
    """The way of media to a browser: while it is cut, no more of a track comes than its beginning."""

    def __init__(self) -> None:
        self.cut = True
        self._asked = Counter[str]()

    def __call__(self, route: Route) -> None:
        track = route.request.url.rpartition("/")[2]
        self._asked[track] += 1
        if self.cut and self._asked[track] > FEW:
            route.abort("internetdisconnected")
        else:
            route.continue_()


@pytest.fixture
def line(viewer: BrowserContext) -> Iterator[Line]:
    line = Line()
    viewer.route("**/*.mp4*", line)
    yield line
    viewer.unroute("**/*.mp4*", line)


def refuse(route: Route, seconds: int) -> None:
    """Answer as a limit of requests does."""
    problem = {"status": 429, "code": "RESOURCE_EXHAUSTED", "detail": "too many requests"}
    route.fulfill(status=429, headers={"Retry-After": str(seconds)}, json=problem)


def ended(page: Page) -> None:
    """The film stands still, and the page says that it goes on."""
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The connection is gone")
    expect(alert).to_contain_text("The film goes on by itself as soon as it can.")
    expect(alert.get_by_role("button", name="Try again")).to_be_focused()


def test_a_film_goes_on_where_it_was_as_soon_as_the_network_is_back(
    viewer: BrowserContext, title: Title, line: Line
) -> None:
    page, _ = begin(viewer, title.title_id, query="?from=4")
    ended(page)
    viewer.set_offline(True)
    line.cut = False
    page.wait_for_timeout(5_000)  # what is tried meanwhile fails
    ended(page)
    viewer.set_offline(False)
    assert 11 < until(page, f"{VIDEO}?.currentTime > 4 && {VIDEO}.currentTime") < 16
    assert_advances(page, VIDEO)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_film_goes_on_though_nothing_tells_the_browser_that_the_network_is_back(
    viewer: BrowserContext, title: Title, line: Line
) -> None:
    page, _ = begin(viewer, title.title_id)
    ended(page)
    line.cut = False
    until(page, f"{VIDEO}?.currentTime > 0")
    assert_advances(page, VIDEO)


def test_a_film_that_could_not_begin_does_so_where_it_was_to(viewer: BrowserContext, title: Title) -> None:
    page = viewer.new_page()
    page.route("**/*.m3u8*", lambda route: route.abort("internetdisconnected"))
    page.goto(f"/watch/{title.title_id}?from=8")
    ended(page)
    page.unroute("**/*.m3u8*")
    assert until(page, f"{VIDEO}?.currentTime > 0 && {VIDEO}.currentTime") >= 8


def go_on_until(page: Page, words: str) -> None:
    """Let half a minute after the other go by, until the page says something."""

    def said() -> bool:
        page.clock.run_for(30_000)
        return words in page.get_by_role("alert").inner_text()

    wait_until(said, reproach=lambda: page.get_by_role("alert").inner_text())


def test_a_long_outage_is_told_as_it_goes_on_and_a_film_that_waits_too_long_begins_by_hand(
    viewer: BrowserContext, title: Title
) -> None:
    page = viewer.new_page()
    page.clock.install()
    page.route("**/*:play", lambda route: route.abort("internetdisconnected"))
    page.goto(f"/watch/{title.title_id}?from=0")
    ended(page)
    go_on_until(page, "It has been tried for 5 min.")
    go_on_until(page, "It took too long for the film to go on by itself: try again when you like.")
    page.unroute("**/*:play")
    page.get_by_role("button", name="Try again").click()
    until(page, f"{VIDEO}?.currentTime > 0")


def test_the_time_until_a_film_goes_on_is_counted_down(viewer: BrowserContext, title: Title) -> None:
    page = viewer.new_page()
    page.route("**/*:play", lambda route: refuse(route, 40))
    page.goto(f"/watch/{title.title_id}?from=0")
    expect(page.get_by_role("timer")).to_have_text("in 37 s")


def test_who_asks_for_a_film_too_often_is_told_when_it_begins_and_need_not_ask_again(
    viewer: BrowserContext, title: Title
) -> None:
    page = viewer.new_page()
    page.route("**/*:play", lambda route: refuse(route, 3))
    page.goto(f"/watch/{title.title_id}?from=0")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The house is very busy")
    expect(alert).to_contain_text(re.compile(r"The film goes on by itself in \d s\."))
    page.unroute("**/*:play")
    until(page, f"{VIDEO}?.currentTime > 0")


@pytest.mark.parametrize("path", ["/", "/search?q=flashes", "/plans", "/account"])
def test_a_page_that_is_asked_for_too_often_says_when_to_try_again(viewer: BrowserContext, path: str) -> None:
    page = viewer.new_page()
    page.route("**/api/v1/**", lambda route: refuse(route, 52))
    page.goto(path)
    alert = page.get_by_role("alert").filter(has_text="busy")
    expect(alert).to_contain_text(re.compile(r"Try again in (52|51|50) s\."))
    page.unroute("**/api/v1/**")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
