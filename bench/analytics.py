"""Statistics of 10,000,000 events, through the service: `python -m bench.analytics [EVENTS]`.

Most plays are written as rows, made by the arithmetic of the consumer from their two events; a slice goes through the
consumer itself, in transactions as large as those of the runner, and tells its events per second.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import astuple
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.table import show
from control.analytics.plays import STATISTICS, began, changes, ended, fresh
from control.analytics.statistics import audience, of_all, of_title
from control.database import Database, titles
from control.database.engine import open_database
from control.database.statistics import Play, Tally
from control.events.runner import BATCH
from protos.v1 import analytics_pb2 as pb
from protos.v1.events_pb2 import MoviePaused, MoviePlayed
from tests.viewing import HOUR, NOON, numbered, paused, played, title

EVENTS = 10_000_000
SLICE = 20_000
ROUNDS = 20
TITLES, ACCOUNTS, DAYS = 2_000, 100_000, 90
ROWS = 50_000

Pair = tuple[MoviePlayed, MoviePaused]


def pairs(first: int, count: int) -> Iterator[Pair]:
    """Begin and end of so many plays over the last days: few titles are played by most."""
    random = np.random.default_rng(first)
    drawn = random.random((count, 3))
    for number, (film, person, at) in enumerate(drawn):
        who, what = numbered("a", int(person * ACCOUNTS)), numbered("t", int(film**3 * TITLES))
        moment = NOON - at * (DAYS - 1) * 86_400
        begin = played(who, what, moment, session=first + number)
        yield begin, paused(who, what, moment + 1_800, HOUR * film, session=first + number, watched=1_800)


def fill(path: Path, count: int) -> None:
    """Write so many plays and their sums as rows."""
    days: dict[tuple[str, int], Tally] = {}
    with sqlite3.connect(path) as connection:
        made = (_counted(begin, end, days) for begin, end in pairs(0, count))
        while rows := list(islice(made, ROWS)):
            connection.executemany("INSERT INTO plays VALUES (?, ?, ?, ?, ?, ?, ?)", map(astuple, rows))
        sums = [(*key, *astuple(tally)) for key, tally in days.items()]
        connection.executemany("INSERT INTO title_days VALUES (?, ?, ?, ?, ?)", sums)
    connection.close()


def _counted(begin: MoviePlayed, end: MoviePaused, days: dict[tuple[str, int], Tally]) -> Play:
    before = fresh(begin)
    play = ended(began(before, begin), end)
    for day, change in changes(before, play).items():
        key = (play.title_id, day)
        days[key] = days.get(key, Tally()) + change
    return play


async def consume(database: Database, first: int) -> float:
    """Events per second through the consumer."""
    events = [event for pair in pairs(first, SLICE // 2) for event in pair]
    began_at = time.perf_counter()
    for start in range(0, SLICE, BATCH):
        async with database.write() as connection:
            for event in events[start : start + BATCH]:
                await STATISTICS.handlers[type(event)](connection, event)
    return SLICE / (time.perf_counter() - began_at)


async def _timed(ask: Callable[[], Awaitable[Any]]) -> tuple[str, str]:
    taken = []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        await ask()
        taken.append(1_000 * (time.perf_counter() - began_at))
    return f"{sorted(taken)[ROUNDS // 2]:.1f}", f"{max(taken):.1f}"


async def measure(count: int, path: Path) -> None:
    """Fill, ask, and print the tables."""
    database = await open_database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as connection:
        for number in range(TITLES):
            await titles.add(connection, title(numbered("t", number), f"Film {number}"))
    as_rows = (count - SLICE) // 2
    await asyncio.to_thread(fill, path, as_rows)
    rate = await consume(database, as_rows)
    one = pb.GetTitleStatisticsRequest(title_id=numbered("t", 0))
    asks = {
        "all titles and the 24 most played, 28 days": lambda: of_all(database, pb.ListStatisticsRequest(), NOON),
        "the most played title, 28 days": lambda: of_title(database, one, NOON),
        "the audience": lambda: audience(database, NOON),
    }
    rows = [(name, *await _timed(ask)) for name, ask in asks.items()]
    await database.close()
    show(f"Statistics of {count:,} events, SQLite", ("", "p50 ms", f"slowest of {ROUNDS}, ms"), rows)
    print(f"\nThe consumer handled {SLICE:,} of the events, {rate:,.0f} a second; the others were written as rows.")


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matinee.db"
        asyncio.run(measure(count, path))
        print(f"The file has {path.stat().st_size / 1e9:.2f} GB.")


if __name__ == "__main__":
    main()
