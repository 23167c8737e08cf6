"""Browse and search in a catalogue of 1,000,000 titles, through the service: control as a process would run it.

`python -m bench.catalogue [TITLES]`, on SQLite, or with `--postgresql` on that.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from bench.catalogue_filling import fill, word
from bench.databases import database
from bench.table import show
from protos.v1 import catalogue_pb2 as pb
from tests.control_house import House, Metadata, running_control

TITLES = 1_000_000
ROUNDS = 200
DEEP_PAGES = 40
COMMON, FREQUENT, OTHER, RARE = word(0), word(20), word(45), word(20_000)

Ask = Callable[[int], Awaitable[Any]]
"""Makes one call; its number lets it ask for something else each time."""


async def measure(count: int, folder: Path, database_url: str) -> None:
    """Fill a catalogue, ask, and print the table."""
    began = time.perf_counter()
    size = await fill(database_url, count)
    print(f"\n{count:,} titles, {size / 1e9:.1f} GB, in {time.perf_counter() - began:.0f} s")
    async with running_control(folder, database={"url": database_url}) as house:
        asks = await _asks(house, await house.person("viewer"))
        rows = [(name, *await _timed(ask)) for name, ask in asks.items()]
    show(f"A page of 24 of {count:,} titles", ("", "p50 ms", "p99 ms", "p99 CPU ms", "titles"), rows)


async def _asks(house: House, viewer: Metadata) -> dict[str, Ask]:
    def listed(**fields: Any) -> Ask:
        return lambda _: house.catalogue.ListTitles(pb.ListTitlesRequest(**fields), metadata=viewer)

    def searched(query: str) -> Ask:
        return lambda _: house.catalogue.SearchTitles(pb.SearchTitlesRequest(query=query), metadata=viewer)

    def years(number: int) -> Awaitable[Any]:
        first = 1930 + number % 90
        request = pb.ListTitlesRequest(genre="Noir", year_from=first, year_to=first + 5, age=12)
        return house.catalogue.ListTitles(request, metadata=viewer)

    deep, token = pb.ListTitlesRequest(genre="Drama", page_size=100), ""
    for _ in range(DEEP_PAGES):
        deep.page_token = token
        token = (await house.catalogue.ListTitles(deep, metadata=viewer)).next_page_token
    return {
        "newest": listed(),
        "by genre": listed(genre="drama"),
        "by genre, years and age": years,
        "by genre and a year, by name": listed(genre="noir", year_from=1930, year_to=1930, order=pb.TITLE_ORDER_NAME),
        "by name": listed(order=pb.TITLE_ORDER_NAME),
        "by year": listed(order=pb.TITLE_ORDER_YEAR),
        "of a rare tag": listed(tag=RARE),
        f"a page after {DEEP_PAGES * 100:,} of a genre": listed(genre="Drama", page_token=token, page_size=24),
        "search: a word of most titles": searched(COMMON),
        "search: two frequent words": searched(f"{FREQUENT} {OTHER}"),
        "search: a frequent word and a rare one": searched(f"{COMMON} {RARE}"),
        "search: the first letter of a word": searched(COMMON[:1]),
        "search: the beginning of a word": searched(FREQUENT[:3]),
        "search: two words and a beginning": searched(f"{COMMON} {OTHER} {FREQUENT[:2]}"),
        "search: nothing found": searched(f"{COMMON} {RARE} {word(30_000)}"),
    }


async def _timed(ask: Ask) -> tuple[str, str, str, str]:
    """Percentiles in milliseconds, also of the CPU time of client and service, and how many titles an answer had."""
    taken, worked = [], []
    for number in range(ROUNDS):
        began, idle = time.perf_counter(), time.process_time()
        answer = await ask(number)
        taken.append(1000 * (time.perf_counter() - began))
        worked.append(1000 * (time.process_time() - idle))
    p50, p99, cpu = sorted(taken)[ROUNDS // 2], sorted(taken)[ROUNDS * 99 // 100], sorted(worked)[ROUNDS * 99 // 100]
    return f"{p50:.1f}", f"{p99:.1f}", f"{cpu:.1f}", str(len(answer.titles))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("titles", type=int, nargs="?", default=TITLES)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        database(Path(name), on_postgresql=given.postgresql) as url,
    ):
        asyncio.run(measure(given.titles, Path(name), url))


if __name__ == "__main__":
    main()
