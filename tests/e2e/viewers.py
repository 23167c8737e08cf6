"""People with a browser each, on a running instance."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import APIRequestContext, Browser, BrowserContext, Page

from tests.e2e.chromium import VIDEO, until
from tests.patience import wait_until
from tests.stack import Stack

COOKIES = {"Matinee-Cookies": "1"}
PASSWORD = "a song about the rain"


def call(request: APIRequestContext, method: str, path: str, **fields: Any) -> Any:
    """The JSON of an answer of the API, to a call by cookie."""
    answer = request.fetch(f"/api/v1{path}", method=method, headers=COOKIES, data=None if method == "GET" else fields)
    assert answer.ok, answer.text()
    return answer.json()


@contextmanager
def seated(browser: Browser, stack: Stack, email: str, password: str) -> Iterator[BrowserContext]:
    """A browser whose person has signed in."""
    with browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800}) as context:
        call(context.request, "POST", "/auth:login", email=email, password=password)
        yield context


def open_account(operator: BrowserContext) -> str:
    """The e-mail address of a new viewer, whose password is PASSWORD."""
    email = f"{secrets.token_hex(6)}@example.com"
    call(operator.request, "POST", "/accounts", email=email, password=PASSWORD, role="ROLE_VIEWER")
    return email


def begin(viewer: BrowserContext, title_id: str, query: str = "?from=0") -> tuple[Page, str]:
    """A page on which a film runs, and its playback session."""
    page = viewer.new_page()
    with page.expect_response("**/*:play") as played:
        page.goto(f"/watch/{title_id}{query}")
    until(page, f"{VIDEO}?.readyState >= 1")
    return page, played.value.json()["session_id"]


def watch_to_the_end(viewer: BrowserContext, title_id: str, seconds: float) -> None:
    """A viewer sees a film, as the history has it; their player is a call of the API."""
    session_id = call(viewer.request, "POST", f"/titles/{title_id}:play")["session_id"]
    for deed in ("report", "stop"):
        call(viewer.request, "POST", f"/playback/{session_id}:{deed}", position_seconds=seconds)

    def seen() -> bool:
        entries = call(viewer.request, "GET", "/history").get("entries", [])
        return any(entry["title"]["title_id"] == title_id and entry.get("finished") for entry in entries)

    wait_until(seen, reproach=lambda: f"{title_id} was never seen")
