"""How a service begins and ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.stack import ROOT

LISTING = """
async def serve(settings, stop, instruments):
    listing = asyncio.create_task(open_store(settings.store_url).list("assets"))
    await asyncio.sleep(0)
    print("told to stop", end="")
"""
SHIELDING = """
async def serve(settings, stop, instruments):
    async def stay():
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    staying = asyncio.create_task(stay())
    await asyncio.sleep(0)
    print("told to stop", end="")
"""

COUNTING = """
async def serve(settings, stop, instruments):
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], end="")

resource.setrlimit(resource.RLIMIT_NOFILE, (128, 512))
"""


WARNING = """
async def serve(settings, stop, instruments):
    try:
        {}["that is not there"]
    except KeyError:
        logging.getLogger("library.part").exception("it is %s", "wrong")
"""


def run(service: str, data: Path) -> tuple[int, str, str]:
    """Run a service of ours until it ends: its exit status, and what it printed and logged."""
    imports = (
        "import asyncio",
        "import logging",
        "import resource",
        "from contextlib import suppress",
        "from matinee import wiring",
        "from matinee.settings import load_settings",
        "from matinee.storage.opening import open_store",
    )
    program = [*imports, service, "wiring.SERVICES['worker'] = serve", "wiring.run('worker', load_settings())"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)], env={**os.environ, "MATINEE_DATA": str(data)},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_service_that_ends_while_the_store_still_lists_leaves_quietly(tmp_path: Path) -> None:
    for number in range(2_000):
        folder = tmp_path / "objects" / "assets" / str(number)
        folder.mkdir(parents=True)
        (folder / "media").touch()
    assert run(LISTING, tmp_path) == (0, "told to stop", "")


def test_a_service_that_ends_waits_for_nothing_that_was_given_up(tmp_path: Path) -> None:
    assert run(SHIELDING, tmp_path) == (0, "told to stop", "")


def test_a_service_takes_as_many_descriptors_as_it_may_have(tmp_path: Path) -> None:
    assert run(COUNTING, tmp_path) == (0, "512", "")


def test_what_a_library_warns_of_is_one_line_of_our_log(tmp_path: Path) -> None:
    [line] = run(WARNING, tmp_path)[2].splitlines()
    told = json.loads(line)
    assert (told["service"], told["level"], told["logger"]) == ("worker", "error", "library.part")
    assert told["event"] == "it is wrong"
    assert told["exception"].endswith("KeyError: 'that is not there'")
