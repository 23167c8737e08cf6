"""How a service ends."""

import os
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT

LISTING = """
import asyncio
from matinee import wiring
from matinee.settings import load_settings
from matinee.storage import open_store

async def lists(settings, stop):
    listing = asyncio.create_task(open_store(settings.store_url).list("assets"))
    await asyncio.sleep(0)
    print("told to stop", end="")

wiring.SERVICES["worker"] = lists
wiring.run("worker", load_settings())
"""


def test_a_service_that_ends_while_the_store_still_lists_leaves_quietly(tmp_path: Path) -> None:
    for number in range(2_000):
        folder = tmp_path / "objects" / "assets" / str(number)
        folder.mkdir(parents=True)
        (folder / "media").touch()
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        cwd=ROOT, env={**os.environ, "MATINEE_DATA": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "told to stop", "")
