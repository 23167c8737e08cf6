"""kill -9 of the broker of Kafka while events flow, and what it does to them: `python -m bench.killed_broker`."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from bench.table import show
from tests.broker_kills import kill_broker
from tests.services.kafka import kafka


def main() -> None:
    """Kill, count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--away", type=float, default=0.0, help="seconds that it stays away each time, at least")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, kafka(Path(name) / "kafka") as broker:
        began = time.monotonic()
        count = asyncio.run(kill_broker(Path(name), broker, given.events, given.kills, given.away))
        took = time.monotonic() - began
    header = ("kills", "with events under way", "events", "lost", "doubled in effect", "out of order", "seconds")
    figures = (count.kills, count.caught, count.events, count.lost, count.doubled, count.disordered)
    show("kill -9 of the broker under load", header, [[*map(str, figures), f"{took:.0f}"]])


if __name__ == "__main__":
    main()
