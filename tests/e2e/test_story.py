"""One person's way through the house: from the register to the end of her subscription, on two devices."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import APIRequestContext, Browser, BrowserContext, Page, expect

from tests.e2e.chromium import VIDEO, assert_advances, until
from tests.e2e.conftest import Title
from tests.e2e.letters import link_in_letter
from tests.e2e.viewers import PASSWORD, call, open_account, seated, watch_to_the_end
from tests.films import film
from tests.patience import wait_until
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


EMAIL = "iris@example.org"
TABLET = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"
LEFT_AT = 7.0


@dataclass(frozen=True)
class Programme:
    """A film that needs a plan, and two that whoever saw it liked too."""

    film: Title
    plan: str = "Matinee Club"
    liked: tuple[str, ...] = ("Lanterns", "The Ferry")


@pytest.fixture
def programme(
    browser: Browser, stack: Stack, signed_in: BrowserContext, title: Title, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Programme]:
    """What is on; three neighbours have seen all of it, and the house has learnt from that."""
    programme, operator = Programme(title), signed_in.request
    short = film(tmp_path_factory.mktemp("films") / "short.mp4", seconds=2, size=(320, 180))
    liked = [stack.ingest(short, name) for name in programme.liked]
    for _ in range(3):
        with seated(browser, stack, open_account(signed_in), PASSWORD) as neighbour:
            watch_to_the_end(neighbour, title.title_id, title.seconds)
            for title_id in liked:
                watch_to_the_end(neighbour, title_id, 2)
    learn(operator)
    call(operator, "POST", "/plans", plan={"plan_id": "club", "name": programme.plan, "level": 1, "max_streams": 2})
    call(operator, "PATCH", f"/titles/{title.title_id}", plan_id="club")
    yield programme
    call(operator, "PATCH", f"/titles/{title.title_id}", plan_id="")
    call(operator, "POST", "/plans/club:retire")
    for title_id in liked:
        call(operator, "DELETE", f"/titles/{title_id}?force=true")


def learn(operator: APIRequestContext) -> None:
    """Have the house learn from what was watched."""
    call(operator, "POST", "/recommendations:train")
    done = "TRAINING_STATE_DONE"
    wait_until(lambda: call(operator, "GET", "/recommendations/training")["training"]["state"] == done)


@pytest.fixture
def laptop(browser: Browser, stack: Stack) -> Iterator[Page]:
    with browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800}) as context:
        yield context.new_page()


@pytest.fixture
def tablet(browser: Browser, stack: Stack) -> Iterator[Page]:
    size = {"width": 834, "height": 1112}
    with browser.new_context(base_url=stack.url, viewport=size, user_agent=TABLET) as context:  # type: ignore[arg-type]
        yield context.new_page()


def test_a_viewer_comes_watches_here_and_there_and_leaves(
    laptop: Page, tablet: Page, stack: Stack, programme: Programme
) -> None:
    look_at_the_plans_and_register(laptop, stack, programme)
    subscribe(laptop, programme)
    left_at = watch_and_pause(laptop, programme)
    resume_elsewhere(tablet, programme, left_at)
    see_it_to_its_end(tablet)
    find_recommendations(tablet, programme)
    watch_again(tablet, programme)
    cancel(laptop, programme)
    expect_to_be_stopped(tablet, programme)


def look_at_the_plans_and_register(page: Page, stack: Stack, programme: Programme) -> None:
    page.goto("/plans")
    page.get_by_role("button", name=f"Subscribe to {programme.plan}").click()
    page.get_by_role("link", name="New here?").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(link_in_letter(stack, EMAIL, "/confirm"))
    page.wait_for_url("**/plans")


def subscribe(page: Page, programme: Programme) -> None:
    page.get_by_role("button", name=f"Subscribe to {programme.plan}").click()
    expect(page.get_by_role("status")).to_contain_text(f"You have {programme.plan}")


def watch_and_pause(page: Page, programme: Programme) -> float:
    page.get_by_role("link", name="Matinee", exact=True).click()
    page.locator(".grid").get_by_role("link", name=programme.film.name).click()
    page.get_by_role("link", name="Play").click()
    until(page, f"{VIDEO}?.currentTime > {LEFT_AT}")
    with page.expect_response("**/*:pause") as paused:
        page.keyboard.press("k")
    assert paused.value.ok
    return float(page.evaluate(f"{VIDEO}.currentTime"))


def resume_elsewhere(page: Page, programme: Programme, left_at: float) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("region", name="Continue watching").get_by_role(
        "link", name=re.compile(f"^Resume {re.escape(programme.film.name)}")
    ).click()
    began_at = until(page, f"{VIDEO}?.currentTime > 0 && !{VIDEO}.seeking && {VIDEO}.currentTime")
    assert left_at - 1 <= began_at <= left_at + 3
    assert_advances(page, VIDEO)


def see_it_to_its_end(page: Page) -> None:
    page.evaluate(f"{VIDEO}.currentTime = {VIDEO}.duration - 2")
    until(page, f"{VIDEO}.ended")


def find_recommendations(page: Page, programme: Programme) -> None:
    page.get_by_role("link", name="Matinee", exact=True).click()
    because = page.get_by_role("region", name=f"Because you watched {programme.film.name}")
    for name in programme.liked:
        expect(because.get_by_role("link", name=name)).to_be_visible()


def watch_again(page: Page, programme: Programme) -> None:
    page.locator(".grid").get_by_role("link", name=programme.film.name).click()
    page.get_by_role("link", name="Play").click()
    until(page, f"{VIDEO}?.currentTime > 0")
    assert_advances(page, VIDEO)


def cancel(page: Page, programme: Programme) -> None:
    page.get_by_role("link", name="Plans").click()
    page.get_by_role("button", name="End it now").click()
    dialog = page.get_by_role("alertdialog", name=f"End {programme.plan} now?")
    with page.expect_response("**/*:cancel"):
        dialog.get_by_role("button", name="End it now").click()


def expect_to_be_stopped(page: Page, programme: Programme) -> None:
    """Within a second or so: at most every ten seconds the player would have asked by itself."""
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"needs the plan '{programme.plan}'", timeout=5_000)
    expect(page.locator("hls-video")).to_have_count(0)
    expect(alert.get_by_role("button", name="See the plans")).to_be_focused()
