"""kill -9 at random moments under load, and what it does to events: `python -m bench.killed_control --kills 200`."""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

from bench.table import show
from tests.ledger import kill_repeatedly


def main() -> None:
    """Kill, count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = asyncio.run(kill_repeatedly(Path(folder), given.kills, random.Random(given.seed)))
    header = ("kills", "between commit and send", "events committed", "lost", "doubled in effect", "out of order")
    figures = (count.kills, count.caught, count.events, count.lost, count.doubled, count.disordered)
    show("kill -9 of control under load", header, [[str(figure) for figure in figures]])


if __name__ == "__main__":
    main()
