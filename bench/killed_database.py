"""PostgreSQL is killed under load and stays away, and what that does to events: `python -m bench.killed_database`.

Two controls run as an operator runs them. Ten callers sign in, subscribe and cancel, or play, pause and stop, one call
after the other, and ask again what was not answered.
"""

import argparse
import asyncio
import tempfile
from itertools import chain
from pathlib import Path

from bench.table import show
from tests.killing import go_without

HEADER = ("away", "first change after it was back", "events", "lost", "doubled", "out of order")


def main() -> None:
    """Kill, count, and print the table, and whatever does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="for how long it is away")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        counted, recovered_after = asyncio.run(go_without(Path(name), Path(name, "postgresql"), given.seconds))
    wrong = (counted.findings.lost, counted.findings.doubled, counted.findings.disordered)
    figures = [f"{figure:,}" for figure in (counted.events, *map(len, wrong))]
    show("PostgreSQL killed under load", HEADER, [[f"{given.seconds:g} s", f"{recovered_after:.2f} s", *figures]])
    for sentence in chain(*wrong):
        print(sentence)


if __name__ == "__main__":
    main()
