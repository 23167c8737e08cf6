"""Renews the pictures of the documents: `python docs/screenshot.py --data matinee-data TITLE_ID` on what runs."""

import argparse
import io
import json
import shutil
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).with_name("images")
SECONDS_IN = 3
"""How far the film has played in the picture."""

STILL_QUALITY = 82
MOVING_SECONDS = 6
MOVING_SIZE = (720, 450)

POSTERS_MILLISECONDS = 1_500

FADE_MILLISECONDS = 500
"""Until the controls stand there in full."""


def signed_in(browser: Browser, data: Path) -> Page:
    """A page of the administrator of the instance on `data`."""
    url = json.loads((data / "run" / "door.json").read_text())["url"]
    credential = json.loads((data / "admin.json").read_text())
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800}, color_scheme="dark")
    answer = context.request.post("/api/v1/auth:login", headers={"Matinee-Cookies": "1"}, data=credential)
    if not answer.ok:
        raise SystemExit(f"signing in failed: {answer.text()}")
    return context.new_page()


def keep(page: Page, name: str) -> None:
    """What the page shows now, as one picture."""
    Image.open(io.BytesIO(page.screenshot())).save(IMAGES / f"{name}.webp", quality=STILL_QUALITY)


def take_browsing(page: Page) -> None:
    """All titles, with their posters."""
    page.goto("/")
    page.wait_for_selector(".card h3")
    page.wait_for_timeout(POSTERS_MILLISECONDS)  # the network is never idle: the page listens for news
    keep(page, "browse")


def take_watching(page: Page, title_id: str) -> None:
    """The player in the middle of the film, its controls in sight."""
    page.goto(f"/watch/{title_id}")
    video = page.locator("hls-video")
    page.locator("media-play-button.big").click()
    while video.evaluate("video => video.currentTime") < SECONDS_IN:
        page.wait_for_timeout(100)
    page.mouse.move(640, 400)
    page.wait_for_timeout(FADE_MILLISECONDS)
    keep(page, "watch")


def take_playing(page: Page) -> None:
    """A moving picture of the film as it plays on the page."""
    frames, shown_for = [], []
    until = time.monotonic() + MOVING_SECONDS
    while (begun := time.monotonic()) < until:
        shot = Image.open(io.BytesIO(page.screenshot()))
        frames.append(shot.resize(MOVING_SIZE, Image.Resampling.LANCZOS))
        shown_for.append(round(1000 * (time.monotonic() - begun)))
    frames[0].save(
        IMAGES / "playing.webp", save_all=True, append_images=frames[1:], duration=shown_for, loop=0, quality=55
    )


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("title_id", metavar="TITLE_ID")
    parser.add_argument("--data", type=Path, default=Path("matinee-data"), help="the instance's data directory")
    arguments = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = signed_in(browser, arguments.data)
        take_browsing(page)
        take_watching(page, arguments.title_id)
        take_playing(page)
        browser.close()


if __name__ == "__main__":
    main()
