"""kill -9 of control at random moments under load, and what it does to events: `python -m bench.killed_control`.

Control runs as an operator runs it. Ten callers sign in, subscribe and cancel, or play, pause and stop, one call
after the other, and ask again what was not answered; it is killed at most half a second after it could be asked. With
`--postgresql` there are two, which share a PostgreSQL and are killed in turn.
"""

import argparse
import asyncio
import random
import tempfile
from itertools import chain
from pathlib import Path

from bench.databases import database
from bench.table import show
from tests.killing import Count, kill_repeatedly

HEADER = (
    *("", "kills", "between commit and send", "between send and note"),
    *("events", "lost", "doubled", "out of order"),
)


def count(kills: int, moments: random.Random, *, on_postgresql: bool) -> Count:
    """What so many kills did."""
    controls = 2 if on_postgresql else 1
    with tempfile.TemporaryDirectory(prefix="bench-") as name, database(Path(name), on_postgresql=on_postgresql) as url:
        return asyncio.run(kill_repeatedly(Path(name), url, kills, moments, controls=controls))


def main() -> None:
    """Kill, count, and print the table, and whatever does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--postgresql", action="store_true", help="two controls, and PostgreSQL in the place of SQLite")
    given = parser.parse_args()
    counted = count(given.kills, random.Random(given.seed), on_postgresql=given.postgresql)
    wrong = (counted.findings.lost, counted.findings.doubled, counted.findings.disordered)
    figures = (counted.kills, counted.unsent, counted.unnoted, counted.events, *map(len, wrong))
    name = "two controls, PostgreSQL" if given.postgresql else "one control, SQLite"
    show("kill -9 of control under load", HEADER, [[name, *(f"{figure:,}" for figure in figures)]])
    for sentence in chain(*wrong):
        print(sentence)


if __name__ == "__main__":
    main()
