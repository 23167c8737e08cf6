"""kill -9 of control at random moments under load, and what it does to events: `python -m bench.killed_control`.

Control runs as an operator runs it. Ten callers sign in, subscribe and cancel, or play, pause and stop, one call
after the other, and ask again what was not answered; it is killed at most half a second after it could be asked.
"""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

from bench.table import show
from tests.killing import kill_repeatedly


def main() -> None:
    """Kill, count, and print the table, and whatever does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        count = asyncio.run(kill_repeatedly(Path(folder), given.kills, random.Random(given.seed)))
    found = count.findings
    header = ("kills", "between commit and send", "between send and note", "events", "lost", "doubled", "out of order")
    figures = [count.kills, count.unsent, count.unnoted, count.events]
    figures += [len(wrong) for wrong in (found.lost, found.doubled, found.disordered)]
    show("kill -9 of control under load", header, [[f"{figure:,}" for figure in figures]])
    for sentence in (*found.lost, *found.doubled, *found.disordered):
        print(sentence)


if __name__ == "__main__":
    main()
