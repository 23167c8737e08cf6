"""A film on a running instance, and a browser to watch it with."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.chromium import Complaints, chromium
from tests.e2e.viewers import PASSWORD, open_account, seated
from tests.films import film
from tests.machine import require
from tests.stack import Stack


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without telling of it."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@dataclass(frozen=True)
class Title:
    """A published film: flashes and beeps at every whole second."""

    title_id: str
    name: str = "Flashes & <Beeps>"
    seconds: int = 24
    rate: int = 24
    heights: tuple[int, ...] = (234, 360)


@pytest.fixture(scope="session")
def title(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Title:
    source = tmp_path_factory.mktemp("films") / "flashes.mp4"
    film(source, seconds=Title.seconds, size=(640, 360), rate=str(Title.rate), audio=("eng", "ces"))
    return Title(stack.ingest(source, Title.name))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800}) as context:
        yield context


@pytest.fixture
def signed_in(context: BrowserContext, stack: Stack) -> BrowserContext:
    """A browser whose person has signed in as the administrator."""
    answer = context.request.post(
        "/api/v1/auth:login",
        headers={"Matinee-Cookies": "1"},
        data={"email": stack.email, "password": stack.password},
    )
    assert answer.ok, answer.text()
    return context


@pytest.fixture
def email(signed_in: BrowserContext) -> str:
    """Of a new viewer, whose password is PASSWORD."""
    return open_account(signed_in)


@pytest.fixture
def viewer(browser: Browser, stack: Stack, email: str) -> Iterator[BrowserContext]:
    """A browser whose person has signed in as that viewer."""
    with seated(browser, stack, email, PASSWORD) as context:
        yield context


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    """A page of somebody who is signed in; nothing may be complained of on it."""
    page = signed_in.new_page()
    complaints = Complaints(page)
    yield page
    assert complaints == []


@pytest.fixture(scope="session")
def players() -> Path:
    """The folder with the players of others."""
    require("the players of the web")
    return Path(__file__).with_name("players")


@pytest.fixture(scope="module")
def elsewhere(players: Path) -> Iterator[str]:
    """The origin of a page that is not ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(players))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
