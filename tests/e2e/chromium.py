"""Debian's Chromium, driven by Playwright, and what it complains of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.machine import require
from tests.patience import PATIENCE, wait_until

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

VIDEO = "document.querySelector('hls-video')"
"""The film on our own page."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    require("Chromium")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        expect.set_options(timeout=1000 * PATIENCE)
        yield browser
        browser.close()


class Complaints(list[str]):
    """Errors on a page's console, violations of its Content-Security-Policy among them, and uncaught exceptions."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.append(f"{message.text} ({message.location.get('url', '')})")


def until(page: Page, expression: str) -> Any:
    """Wait until an expression is true on the page, and give its value.

    Playwright's own `wait_for_function` needs 'unsafe-eval', which our Content-Security-Policy does not give.
    """
    return wait_until(lambda: page.evaluate(expression), reproach=lambda: expression)


def assert_advances(page: Page, video: str, seconds: float = 1) -> None:
    """Time goes on, by at least so much."""
    start = page.evaluate(f"{video}.currentTime")
    until(page, f"{video}.currentTime >= {start + seconds}")


def assert_seeks(page: Page, video: str, position: float) -> None:
    """A seek lands where it should, with a picture, and time goes on from there."""
    page.evaluate(f"{video}.currentTime = {position}")
    shown = f"!{video}.seeking && {video}.readyState >= 3 && {video}.currentTime >= {position}"
    assert until(page, f"{shown} && {video}.currentTime") < position + 5
    assert_advances(page, video)
