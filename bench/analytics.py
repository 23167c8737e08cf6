"""Statistics of 10,000,000 events, through the service: `python -m bench.analytics [EVENTS]`.

The events are begin and end of plays, and the reports of a player come with each play. Most are written as rows,
account by account, as the arithmetic of the consumers makes them. A slice goes through the consumers themselves, in
transactions as large as those of the runner, and tells their events per second. It takes 7 GB of temporary files.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import Message

from bench.analytics_filling import PLAYS_OF_ACCOUNT, TITLES, fill, pairs, reports
from bench.table import show
from control.analytics import quality
from control.analytics.plays import STATISTICS
from control.analytics.recommendations import popular_now
from control.analytics.statistics import audience, of_all, of_title
from control.database import Database, titles
from control.database.engine import open_database
from control.events.consumer import BatchConsumer
from control.events.runner import BATCH
from protos.v1 import analytics_pb2 as pb
from tests.viewing import NOON, numbered, title

EVENTS = 10_000_000
SLICE = 20_000
ROUNDS = 200


async def consume(database: Database, consumer: BatchConsumer, events: Sequence[Message]) -> float:
    """Events per second through a consumer."""
    began_at = time.perf_counter()
    for start in range(0, len(events), BATCH):
        async with database.write() as connection:
            await consumer.act(connection, events[start : start + BATCH])
    return len(events) / (time.perf_counter() - began_at)


async def _timed(ask: Callable[[], Awaitable[Any]]) -> tuple[str, ...]:
    taken = []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        await ask()
        taken.append(1_000 * (time.perf_counter() - began_at))
    taken.sort()
    return tuple(f"{taken[int(ROUNDS * share)]:.1f}" for share in (0.5, 0.99))


async def measure(count: int, path: Path) -> None:
    """Fill, ask, and print the tables."""
    database = await open_database(f"sqlite+aiosqlite:///{path}")
    async with database.write() as connection:
        for number in range(TITLES):
            await titles.add(connection, title(numbered("t", number), f"Film {number}"))
    accounts = count // 2 // PLAYS_OF_ACCOUNT
    began_at = time.perf_counter()
    await asyncio.to_thread(fill, path, accounts)
    print(f"Written in {time.perf_counter() - began_at:,.0f} s.", flush=True)
    rates = await _rates(database, accounts)
    show("Through the consumers, SQLite", ("", "a second"), rates)
    rows = [(name, *await _timed(ask)) for name, ask in _asks(database).items()]
    await database.close()
    show(f"Statistics of {count:,} events, SQLite", ("", "p50 ms", f"p99 ms of {ROUNDS}"), rows)


async def _rates(database: Database, accounts: int) -> list[tuple[str, str]]:
    """A slice of more plays of those accounts."""
    first = accounts * PLAYS_OF_ACCOUNT
    who = iter(np.random.default_rng(1).integers(accounts, size=SLICE // 2).tolist())
    events = [event for pair in pairs(first, who) for event in pair]
    told = [reports(number) for number in range(SLICE // 4)]
    return [
        ("begins and ends of plays", f"{await consume(database, STATISTICS, events):,.0f}"),
        ("reports of players, five at a time", f"{await consume(database, quality.CONSUMER, told):,.0f}"),
    ]


async def popular(database: Database, now: float) -> Sequence[str]:
    """What newcomers are offered."""
    async with database.read() as connection:
        return await popular_now(connection, now)


def _asks(database: Database) -> dict[str, Callable[[], Awaitable[Any]]]:
    one = pb.GetTitleStatisticsRequest(title_id=numbered("t", 0))
    one_long = pb.GetTitleStatisticsRequest(title_id=numbered("t", 0), from_day="2025-10-24")
    all_long = pb.ListStatisticsRequest(from_day="2025-10-24", page_size=100)
    return {
        "all titles and the 24 most played, 28 days": lambda: of_all(database, pb.ListStatisticsRequest(), NOON),
        "all titles and the 100 most played, 400 days": lambda: of_all(database, all_long, NOON),
        "the most played title, 28 days": lambda: of_title(database, one, NOON),
        "the most played title, 400 days": lambda: of_title(database, one_long, NOON),
        "the 1,000 most popular works, 28 days": lambda: popular(database, NOON),
        "the audience": lambda: audience(database, NOON),
    }


def main() -> None:
    """Print the tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matinee.db"
        asyncio.run(measure(count, path))
        print(f"The file has {path.stat().st_size / 1e9:.2f} GB.")


if __name__ == "__main__":
    main()
