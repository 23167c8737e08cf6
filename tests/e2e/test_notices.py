"""News of an account in a browser: EventSource, with the cookie of the sign-in alone."""

import time

import pytest
from anyio.from_thread import BlockingPortal
from playwright.sync_api import Page

from control.database import outbox
from control.database.engine import open_database
from protos.v1.events_pb2 import TitlePublished
from tests.e2e.chromium import until
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

FOLLOW = """() => {
    window.heard = [];
    window.source = new EventSource("/api/v1/notices");
    window.source.onmessage = (event) => window.heard.push(JSON.parse(event.data));
}"""


async def publish(stack: Stack, name: str) -> None:
    """Record that a title was published, as control does."""
    database = await open_database(stack.database_url)
    async with database.write() as connection:
        await outbox.record(connection, TitlePublished(title_id="t" * 26, name=name), time.time)
    await database.close()


def test_a_page_hears_of_a_new_title_without_being_reloaded(page: Page, stack: Stack, portal: BlockingPortal) -> None:
    page.goto("/forgot")  # which follows no news itself, and so looks for no title
    page.evaluate(FOLLOW)
    until(page, "source.readyState === EventSource.OPEN")
    portal.call(publish, stack, "Solaris")
    until(page, "heard.length > 0")
    assert page.evaluate("heard[0]") == {"title": {"title_id": "t" * 26, "name": "Solaris"}}
    page.evaluate("source.close()")  # or its end, with the page, is an error on the console
