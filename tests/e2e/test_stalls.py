"""A film that stalls in a browser: what the page saw itself, against what was computed of its player's reports."""

import sqlite3
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page

from control.analytics.experience import Experience, Quality
from tests.e2e.chromium import until
from tests.e2e.conftest import Title
from tests.openid_provider import NODE
from tests.patience import wait_until
from tests.stack import ROOT, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STALLS = (1.4, 0.6)
TOLERANCE = 0.1
"""Seconds."""

SCRIPT = """
globalThis.watch = async ({ source, reporting, session, ours }) => {
  const video = document.querySelector("#video");
  const gate = { open: true, held: [] };
  const Loader = Hls.DefaultConfig.loader;
  class Gated extends Loader {
    load(...request) {
      const load = () => super.load(...request);
      if (gate.open) load();
      else gate.held.push(load);
    }
  }
  const seen = [];
  for (const name of ["play", "playing", "waiting"]) video.addEventListener(name, () => seen.push([name, Date.now()]));
  const eventTargets = ours ? [] : [{ url: reporting, version: 2, events: ["ps", "e", "bc", "t"], interval: 5 }];
  const cmcd = { version: 2, useHeaders: ours, sessionId: session, contentId: "film", eventTargets };
  const hls = new Hls({ fLoader: Gated, maxBufferLength: 1, maxMaxBufferLength: 1, cmcd });
  const reporter = ours ? new PlaybackReporter(video, { source, sessionId: session, contentId: "film" }) : undefined;
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => reporter?.bitrate(hls.levels[level].bitrate));
  hls.loadSource(source);
  hls.attachMedia(video);
  await video.play();
  globalThis.theatre = {
    seen,
    close: () => (gate.open = false),
    open() {
      gate.open = true;
      for (const load of gate.held.splice(0)) load();
    },
    leave() {
      reporter?.close();
      hls.destroy();
    },
  };
};
"""


@pytest.fixture(scope="module")
def reporter() -> str:
    """The reporter of our own page, as JavaScript."""
    bundler = "web/node_modules/rolldown/bin/cli.mjs"
    bundled = subprocess.run([NODE, bundler, "web/src/cmcd.ts"], cwd=ROOT, capture_output=True, text=True, check=True)
    return f"{bundled.stdout}\nglobalThis.PlaybackReporter = PlaybackReporter;"


@pytest.fixture
def foreign(browser: Browser, elsewhere: str, reporter: str) -> Iterator[Page]:
    """A page of another origin, on which players of others stand beside our reporter."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(elsewhere)
        page.add_script_tag(content=reporter, type="module")
        page.add_script_tag(content=SCRIPT)
        until(page, "!!globalThis.PlaybackReporter && !!globalThis.Hls")
        yield page


def known(stack: Stack, session_id: str) -> Quality:
    """What control has computed of a session."""
    with sqlite3.connect(f"file:{stack.data / 'matinee.db'}?mode=ro", uri=True) as database:
        found = database.execute("SELECT experience FROM playback_quality WHERE session_id = ?", [session_id])
        row = found.fetchone()
    return Experience.restored(row[0] if row else "").quality()


def stall(page: Page, number: int, seconds: float) -> None:
    """Keep the player from its film until it stands still, and for so many seconds more."""
    page.evaluate("theatre.close()")
    waited = f"theatre.seen.filter(([name]) => name === 'waiting').length >= {number}"
    until(page, f"theatre.seen.at(-1)[0] === 'waiting' && {waited}")
    page.wait_for_timeout(seconds * 1000)
    page.evaluate("theatre.open()")
    until(page, "theatre.seen.at(-1)[0] === 'playing'")


def seen(log: list[tuple[str, int]]) -> tuple[float, list[float]]:
    """The start-up and the stalls that a page saw itself, in seconds."""
    first = next(time for name, time in log if name == "playing")
    asked = next(time for name, time in log if name == "play")
    after = [(name, time) for name, time in log if time >= first and name != "play"]
    stalls = [
        (end - begin) / 1000 for (name, begin), (then, end) in pairwise(after) if (name, then) == ("waiting", "playing")
    ]
    return (first - asked) / 1000, stalls


@pytest.mark.parametrize("ours", [True, False], ids=["our reporter", "hls.js"])
def test_stalls_in_a_browser_are_measured_within_a_tenth_of_a_second(
    foreign: Page, stack: Stack, title: Title, ours: bool
) -> None:
    played = stack.play(title.title_id)
    token = str(played["hls"]).split("=")[1].removesuffix("/main.m3u8")
    urls: list[str] = []
    told: list[str] = []
    foreign.on("request", lambda request: urls.append(request.url))
    foreign.on("request", lambda request: told.append(request.post_data or ""))
    foreign.evaluate(
        "(film) => watch(film)",
        {
            "source": played["hls"],
            "reporting": f"{stack.url}/cmcd?URISigningPackage={token}",
            "session": played["session_id"],
            "ours": ours,
        },
    )
    for number, seconds in enumerate(STALLS, 1):
        stall(foreign, number, seconds)
    foreign.wait_for_timeout(500)
    log = foreign.evaluate("theatre.seen")
    foreign.evaluate("theatre.leave()")
    startup, stalls = seen(log)
    measured = wait_until(
        lambda: (found := known(stack, played["session_id"])).rebuffer_seconds > sum(stalls) - TOLERANCE and found,
        reproach=lambda: str(known(stack, played["session_id"])),
    )
    assert measured
    assert [length for _, length in measured.stalls] == pytest.approx(stalls, abs=TOLERANCE)
    assert measured.startup_seconds == pytest.approx(startup, abs=TOLERANCE)
    assert measured.average_bitrate > 0
    assert any("dfa=" in body for body in told) == ours, "hls.js counts no frames"
    media = [url for url in urls if url.split("?")[0].endswith(".mp4")]
    assert media
    assert all(("CMCD=" in url) != ours for url in media)
