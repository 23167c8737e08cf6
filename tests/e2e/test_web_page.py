"""Our own pages, as a person meets them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, ViewportSize, expect

from tests.e2e.chromium import VIDEO, assert_advances, assert_seeks, until
from tests.e2e.conftest import Title
from tests.e2e.viewers import COOKIES, call
from tests.films import film
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


MENUS = {  # the button of each
    "Audio": "media-audio-track-menu-button",
    "Speed": "media-playback-rate-menu-button",
    "Quality": "media-rendition-menu-button",
}
PHONE: ViewportSize = {"width": 390, "height": 844}
PAGES = (
    "/",
    "/search",
    "/title/{title_id}",
    "/watch/{title_id}",
    "/plans",
    "/account",
    "/sign-in",
    "/register",
    "/forgot",
)


def open_film(page: Page, title: Title) -> None:
    page.request.delete(f"/api/v1/history/{title.title_id}", headers=COOKIES)  # it begins at the beginning
    page.goto(f"/watch/{title.title_id}")
    expect(page.get_by_role("heading", name=title.name)).to_be_visible()
    until(page, f"{VIDEO}?.readyState >= 1")


def start_film(page: Page, title: Title) -> None:
    open_film(page, title)
    page.keyboard.press("k")
    assert_advances(page, VIDEO)


def choose_quality(page: Page, name: str) -> None:
    page.mouse.move(400, 300)
    page.locator(MENUS["Quality"]).click()
    page.get_by_role("menuitemradio", name=name, exact=True).click()


def test_who_is_not_signed_in_is_asked_to_and_lands_on_the_page_that_they_wanted(
    context: BrowserContext, stack: Stack, title: Title
) -> None:
    page = context.new_page()
    page.goto(f"/watch/{title.title_id}")
    page.wait_for_url("**/sign-in?next=*")
    page.get_by_label("E-mail").fill(stack.email)
    page.get_by_label("Password").fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/watch/{title.title_id}")
    expect(page.get_by_role("heading", name=title.name)).to_be_visible()


def test_a_wrong_password_is_told_kindly(context: BrowserContext, stack: Stack) -> None:
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(stack.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("do not belong together"))


def test_signing_out_closes_the_door(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.request.get("/api/v1/titles").status == 401


def test_who_signs_out_while_posters_load_hears_no_refusals(page: Page, title: Title) -> None:
    posters: list[Route] = []
    page.route("**/poster**", lambda poster: posters.append(poster))  # noqa: PLW0108 -- it takes no builtin

    def sign_out(logout: Route) -> None:
        answer = logout.fetch()
        for poster in posters:
            poster.continue_()
        logout.fulfill(response=answer)

    page.route("**/auth:logout", sign_out)
    page.goto("/", wait_until="domcontentloaded")
    expect(page.locator(".grid").get_by_role("listitem").filter(has_text=title.name)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert posters


def test_the_programme_shows_poster_name_and_running_time(page: Page, title: Title) -> None:
    page.goto("/")
    card = page.locator(".grid").get_by_role("listitem").filter(has_text=title.name)
    expect(card).to_contain_text("24 s")
    until(page, "[...document.querySelectorAll('.poster img')].every((img) => img.naturalWidth > 0)")
    card.get_by_role("link").click()
    page.wait_for_url(f"**/title/{title.title_id}")


def test_a_poster_that_does_not_come_leaves_the_initial_until_one_comes(
    signed_in: BrowserContext, title: Title
) -> None:
    page = signed_in.new_page()
    page.route("**/poster*", lambda route: route.abort())
    page.goto("/")
    picture = page.locator(".grid").get_by_role("listitem").filter(has_text=title.name).locator("img")
    expect(picture).to_have_css("visibility", "hidden")
    page.unroute("**/poster*")
    picture.evaluate("image => { image.src = image.src.replace('640', '320') }")  # as when another moves to its place
    until(page, "document.querySelector('.grid img').naturalWidth > 0")
    expect(picture).to_be_visible()


def test_the_page_of_a_title_leads_to_the_player_which_begins_at_once(page: Page, title: Title) -> None:
    page.goto(f"/title/{title.title_id}")
    expect(page.get_by_role("heading", name=title.name)).to_be_visible()
    page.get_by_role("link", name=re.compile("^(Play|From the beginning)$")).click()
    page.wait_for_url(f"**/watch/{title.title_id}")
    until(page, f"{VIDEO}?.readyState >= 1")
    assert_advances(page, VIDEO)


@pytest.fixture
def season(signed_in: BrowserContext) -> Iterator[str]:
    """The title_id of a season with an episode that has much to tell."""

    def make(**fields: Any) -> str:
        return str(call(signed_in.request, "POST", "/titles", title=fields)["title"]["title_id"])

    series = make(name="Meadow Stories", kind="TITLE_KIND_SERIES")
    season = make(name="Season 1", kind="TITLE_KIND_SEASON", parent_id=series, number=1)
    make(name="Morning", kind="TITLE_KIND_EPISODE", parent_id=season, number=1, synopsis="The rabbit wakes. " * 20)
    yield season
    call(signed_in.request, "DELETE", f"/titles/{series}?force=true")


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_known_of_an_episode_stands_beside_its_picture(page: Page, season: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/title/{season}")
    row = page.locator(".episodes").get_by_role("listitem")
    picture, words = row.locator(".poster").bounding_box(), row.locator(".gist").bounding_box()
    assert picture is not None
    assert words is not None
    assert words["x"] >= picture["x"] + picture["width"]
    assert picture["y"] - 1 <= words["y"] <= picture["y"] + picture["height"]


@pytest.fixture
def many_series(signed_in: BrowserContext) -> Iterator[int]:
    """How many series there are: more than a first page of them."""
    made = []
    for number in range(26):
        fields = {"name": f"Series {number}", "kind": "TITLE_KIND_SERIES"}
        made.append(call(signed_in.request, "POST", "/titles", title=fields)["title"]["title_id"])
        call(signed_in.request, "POST", f"/titles/{made[-1]}:publish")
    yield len(made)
    for title_id in made:
        call(signed_in.request, "DELETE", f"/titles/{title_id}")


def test_every_series_can_be_reached_from_home_by_keyboard(page: Page, many_series: int) -> None:
    page.goto("/")
    shelf = page.get_by_role("region", name="Series")
    shown = shelf.locator(".card")
    expect(shown).to_have_count(24)
    more = shelf.get_by_role("button", name="Show more series")
    more.focus()
    page.keyboard.press("Enter")
    expect(shown).to_have_count(many_series)
    expect(shown.nth(24).get_by_role("link")).to_be_focused()
    expect(more).to_have_count(0)


def test_a_search_finds_a_title_as_one_types(page: Page, title: Title) -> None:
    page.goto("/search")
    page.get_by_label("Search").last.fill("flash")
    expect(page.get_by_role("link", name=title.name)).to_be_visible()
    page.wait_for_url("**/search?q=flash")


@pytest.fixture
def failed(page: Page, stack: Stack, tmp_path: Path) -> Iterator[Locator]:
    """A film that could not be prepared, as it stands on the first page."""
    junk = tmp_path / "junk.mkv"
    junk.write_bytes(b"This is no film. " * 100)
    done = stack.matinee("ingest", str(junk), "--title", "Holiday in Brittany", "--wait")
    assert done.returncode > 0
    yield from in_preparation(page, "Holiday in Brittany")


@pytest.fixture
def cancelled(page: Page, stack: Stack, tmp_path: Path) -> Iterator[Locator]:
    """A film whose ingest was cancelled, as it stands on the first page."""
    long = film(tmp_path / "long.mp4", seconds=120)
    done = stack.matinee("ingest", str(long), "--title", "A night at the opera", "--json")
    assert stack.matinee("jobs", "cancel", json.loads(done.stdout)["job_id"]).returncode == 0
    yield from in_preparation(page, "A night at the opera")


def in_preparation(page: Page, name: str) -> Iterator[Locator]:
    """A film as it stands on the first page, and removed when the test has seen it."""
    page.goto("/")
    yield page.get_by_role("region", name="In preparation").get_by_role("listitem").filter(has_text=name)
    for title in page.request.get("/api/v1/titles").json()["titles"]:
        if title["name"] == name:
            page.request.delete(f"/api/v1/titles/{title['title_id']}", headers={"Matinee-Cookies": "1"})


def test_a_film_whose_ingest_failed_stands_apart_and_says_why(page: Page, failed: Locator) -> None:
    expect(failed).to_contain_text("This film could not be prepared: the file is none of MP4 or MOV")
    expect(page.get_by_text("Brittany")).to_have_count(1)


def test_a_film_that_was_refused_cannot_be_tried_again(failed: Locator) -> None:
    expect(failed.get_by_role("button")).to_have_text(["Remove"])


def test_a_cancelled_film_can_be_tried_again(page: Page, cancelled: Locator) -> None:
    with page.expect_response("**:retry") as retried:
        cancelled.get_by_role("button", name="Try again").click()
    assert retried.value.json()["job"]["state"] == "JOB_STATE_QUEUED"
    expect(page.locator("main")).to_be_focused()


def test_a_failed_film_is_removed_once_that_is_confirmed(page: Page, failed: Locator) -> None:
    failed.get_by_role("button", name="Remove").click()
    page.get_by_role("alertdialog", name="Remove “Holiday in Brittany”?").get_by_role("button", name="Remove").click()
    expect(failed).to_have_count(0)
    names = [title["name"] for title in page.request.get("/api/v1/titles").json()["titles"]]
    assert "Holiday in Brittany" not in names


@pytest.mark.parametrize(
    "refuse", [lambda page: page.keyboard.press("Escape"), lambda page: page.get_by_text("Keep it").click()]
)
def test_a_failed_film_stays_when_its_removal_is_refused(
    page: Page, failed: Locator, refuse: Callable[[Page], None]
) -> None:
    button = failed.get_by_role("button", name="Remove")
    button.click()
    refuse(page)
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_a_film_in_preparation_appears_by_itself_when_it_is_ready(page: Page, stack: Stack, tmp_path: Path) -> None:
    film(tmp_path / "short.mp4", seconds=2, size=(320, 180))
    queued = stack.matinee("ingest", str(tmp_path / "short.mp4"), "--title", "Short & Sweet")
    assert queued.returncode == 0, queued.stderr
    page.goto("/")
    expect(page.get_by_role("link", name="Short & Sweet")).to_be_visible()


def test_a_page_that_looks_at_work_outlives_a_short_break(page: Page, stack: Stack, tmp_path: Path) -> None:
    long = film(tmp_path / "long.mp4", seconds=120)
    done = stack.matinee("ingest", str(long), "--title", "The Long Night", "--json")
    job, lasting = json.loads(done.stdout), page.context.new_page()
    lasting.goto("/")
    draft = lasting.get_by_role("region", name="In preparation").get_by_role("listitem").filter(has_text="Long Night")
    expect(draft).to_be_visible()
    lasting.route("**/titles?*DRAFT*", lambda route: route.fulfill(status=503, json={"status": 503}))
    for _ in range(2):
        with lasting.expect_response("**/titles?*DRAFT*"):
            pass
    expect(draft).to_be_visible()
    stack.matinee("jobs", "cancel", job["job_id"])
    stack.matinee("titles", "delete", job["title_id"])


def test_the_film_plays(page: Page, title: Title) -> None:
    start_film(page, title)


def test_the_quality_menu_switches_down_and_up(page: Page, title: Title) -> None:
    start_film(page, title)
    for height in (234, 360):
        assert_seeks(page, VIDEO, 1)  # what was buffered before is played out to its segment's end
        choose_quality(page, f"{height}p")
        until(page, f"{VIDEO}.videoHeight === {height}")
        assert_advances(page, VIDEO, 0.5)


def test_the_automatic_quality_is_the_first_one_and_chosen(page: Page, title: Title) -> None:
    open_film(page, title)
    page.locator(MENUS["Quality"]).click()
    first = page.get_by_role("menu", name="Quality").get_by_role("menuitemradio").first
    expect(first).to_have_text(re.compile("^Auto"))
    expect(first).to_be_checked()


@pytest.mark.parametrize("menu", MENUS)
def test_a_phone_shows_every_row_of_a_menu(page: Page, title: Title, menu: str) -> None:
    page.set_viewport_size(PHONE)
    open_film(page, title)
    page.locator(MENUS[menu]).click()
    opened = page.get_by_role("menu", name=menu)
    expect(opened).to_be_visible()
    for row in opened.get_by_role("menuitemradio").all():
        expect(row).to_be_in_viewport(ratio=1)


@pytest.fixture(scope="module")
def upright(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The title_id of a film that is higher than wide."""
    source = tmp_path_factory.mktemp("films") / "upright.mp4"
    return stack.ingest(film(source, seconds=2, size=(180, 320)), "Upright")


def test_an_upright_film_fills_a_phone(page: Page, upright: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"/watch/{upright}")
    expect(page.locator(".facts")).to_contain_text("180p")
    screen = page.locator(".screen").bounding_box()
    assert screen is not None
    assert screen["width"] == PHONE["width"]
    assert screen["height"] == pytest.approx(PHONE["width"] * 16 / 9, abs=1)
    assert screen["y"] + screen["height"] < PHONE["height"]


def test_an_upright_film_fits_the_height_of_a_window(page: Page, upright: str) -> None:
    page.goto(f"/watch/{upright}")
    expect(page.get_by_role("heading", name="Upright")).to_be_in_viewport(ratio=1)


def test_seeks_land(page: Page, title: Title) -> None:
    start_film(page, title)
    for position in (17, 3, 20):
        assert_seeks(page, VIDEO, position)


def test_the_keyboard_plays_mutes_and_seeks(page: Page, title: Title) -> None:
    start_film(page, title)
    page.keyboard.press("m")
    until(page, f"{VIDEO}.muted")
    page.keyboard.press("k")
    until(page, f"{VIDEO}.paused")
    before = page.evaluate(f"{VIDEO}.currentTime")
    page.keyboard.press("ArrowRight")
    until(page, f"Math.abs({VIDEO}.currentTime - {before + 10}) < 0.5")


def test_there_is_no_captions_button_without_captions(page: Page, title: Title) -> None:
    open_film(page, title)
    expect(page.locator("media-captions-menu-button")).to_be_hidden()


def test_every_audio_language_can_be_chosen(page: Page, title: Title) -> None:
    start_film(page, title)
    page.locator("media-audio-track-menu-button").click()
    expect(page.locator("media-audio-track-menu").get_by_role("menuitemradio")).to_have_count(2)


def test_a_revoked_session_stops_with_kind_words_and_can_be_started_again(
    signed_in: BrowserContext, title: Title
) -> None:
    page = signed_in.new_page()
    with page.expect_response("**/*:play") as played:
        start_film(page, title)
    session_id = played.value.json()["session_id"]
    stopped = page.request.post(f"/api/v1/playback/{session_id}:stop", headers={"Matinee-Cookies": "1"}, data={})
    assert stopped.ok, stopped.text()
    expect(page.get_by_role("heading", name="Playback was stopped")).to_be_visible()
    page.get_by_role("button", name="Watch again").click()
    until(page, f"{VIDEO}?.currentTime > 1")
    assert_advances(page, VIDEO)


def test_an_unknown_title_is_told_kindly(signed_in: BrowserContext, title: Title) -> None:
    page = signed_in.new_page()
    page.goto("/watch/nosuchtitle")
    expect(page.get_by_role("heading", name="This film is not here")).to_be_visible()
    expect(page).to_have_title("This film is not here · Matinee")
    page.get_by_role("button", name="See the programme").click()
    expect(page.locator(".grid").get_by_role("listitem").filter(has_text=title.name)).to_be_visible()


def test_an_access_token_that_has_expired_is_renewed_unseen(signed_in: BrowserContext, title: Title) -> None:
    signed_in.clear_cookies(name="matinee_access")
    page = signed_in.new_page()
    page.goto("/")
    expect(page.locator(".grid").get_by_role("listitem").filter(has_text=title.name)).to_be_visible()


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (lambda route: route.fulfill(status=503, json={"status": 503}), "The house is having a short break"),
        (lambda route: route.abort(), "The connection is gone"),
    ],
)
def test_a_failure_is_told_kindly_and_can_be_tried_again(
    signed_in: BrowserContext, title: Title, failure: Callable[[Route], None], words: str
) -> None:
    page = signed_in.new_page()
    page.route("**/api/v1/titles*", failure)
    page.goto("/")
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    page.unroute("**/api/v1/titles*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".grid").get_by_role("listitem").filter(has_text=title.name)).to_be_visible()


def test_the_policy_allows_nothing_inline(page: Page) -> None:
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_needs_no_sideways_scrolling(page: Page, title: Title, path: str, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path.format(title_id=title.title_id))
    page.wait_for_load_state("networkidle")
    page.screenshot(path=tmp_path / "phone.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture
def axe(players: Path) -> str:
    return (players / "node_modules/axe-core/axe.min.js").read_text()


def assert_accessible(page: Page, axe: str) -> None:
    page.evaluate(axe)
    violations: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    assert [found["help"] for found in violations] == []


@pytest.mark.parametrize("path", [*PAGES, "/search?q=flashes"])
def test_axe_finds_nothing(page: Page, title: Title, path: str, axe: str) -> None:
    page.goto(path.format(title_id=title.title_id))
    page.wait_for_load_state("networkidle")
    assert_accessible(page, axe)


@pytest.mark.parametrize("path", ["/title/nosuchtitle", "/watch/nosuchtitle", "/nowhere"])
def test_axe_finds_nothing_where_nothing_is(signed_in: BrowserContext, path: str, axe: str) -> None:
    page = signed_in.new_page()
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_accessible(page, axe)


def test_axe_finds_nothing_about_a_failed_film(page: Page, failed: Locator, axe: str) -> None:
    expect(failed).to_be_visible()
    assert_accessible(page, axe)
    failed.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert_accessible(page, axe)


@pytest.mark.parametrize("menu", MENUS)
def test_axe_finds_nothing_in_a_menu(page: Page, title: Title, menu: str, axe: str) -> None:
    open_film(page, title)
    page.locator(MENUS[menu]).click()
    expect(page.get_by_role("menu", name=menu)).to_be_visible()
    assert_accessible(page, axe)
