"""Web players of others play our signed URLs, from a page of another origin."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.chromium import Complaints, assert_advances, assert_seeks, until
from tests.e2e.conftest import Title
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

VIDEO = "document.querySelector('video')"


@pytest.fixture
def foreign_page(browser: Browser, elsewhere: str) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        complaints = Complaints(page)
        page.goto(elsewhere)
        yield page
        assert complaints == []


@pytest.mark.parametrize(
    ("player", "protocol"), [("shaka", "hls"), ("shaka", "dash"), ("dashjs", "dash"), ("hls", "hls")]
)
def test_a_player_plays_switches_and_seeks(
    foreign_page: Page, stack: Stack, title: Title, player: str, protocol: str
) -> None:
    foreign_page.evaluate(
        "([player, manifest]) => open(player, manifest)", [player, stack.play(title.title_id)[protocol]]
    )
    assert_advances(foreign_page, VIDEO)
    assert sorted(set(foreign_page.evaluate("player.heights()"))) == list(title.heights)
    for height in (*title.heights, title.heights[0]):
        foreign_page.evaluate("(height) => void player.choose(height)", height)
        until(foreign_page, f"{VIDEO}.videoHeight === {height}")
        assert_advances(foreign_page, VIDEO, 0.5)
    for position in (17, 2, 12):
        assert_seeks(foreign_page, VIDEO, position)
    assert foreign_page.evaluate("errors") == []
