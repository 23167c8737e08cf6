"""Events per second through outbox and bus, from their transaction to their effect: `python -m bench.events`.

All in one process, as control runs it, on the disk of the temporary folder: each event has a transaction of its own, as
calls have, of which so many go on at a time; relay and one consumer run beside them.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.table import show
from control.database import Connection, Database, outbox
from control.database.engine import open_database
from control.events.consumer import Consumer
from control.events.relay import Relay
from control.events.runner import Runner
from matinee.bus import EventBus
from matinee.event_log import open_event_log
from protos.v1.events_pb2 import MoviePlayed

EVENTS = 3_000
CALLERS = 50
BACKLOG = 20_000
ONE_BY_ONE = 200


@dataclass
class House:
    """Database and bus, and what the consumer has handled: the moment of each event, by its number."""

    database: Database
    bus: EventBus
    handled: dict[int, float]
    runner: Runner

    async def until_handled(self, count: int) -> None:
        """Wait until so many events have taken effect."""
        while len(self.handled) < count:  # noqa: ASYNC110 - the handler has no event to set
            await asyncio.sleep(0.001)

    async def record(self, *numbers: int) -> None:
        """Record events with one cause."""
        async with self.database.write() as connection:
            for number in numbers:
                message = MoviePlayed(account_id=f"a{number % 100:025}", position_seconds=number)
                await outbox.record(connection, message, time.time)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A fresh one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = await open_database(f"sqlite+aiosqlite:///{folder / 'matinee.db'}")
        handled: dict[int, float] = {}

        async def handler(_: Connection, message: MoviePlayed) -> None:
            handled[int(message.position_seconds)] = time.perf_counter()

        async with open_event_log(folder / "events.db", time.time, retention_seconds=86_400, most_bytes=2**30) as bus:
            runner = Runner(Consumer("bench", {MoviePlayed: handler}), database, bus, time.time)
            yield House(database, bus, handled, runner)
        await database.close()


async def under_load() -> float:
    """Events per second when many calls record one each."""
    async with house() as this, _running(this, relays=True):
        numbers = iter(range(EVENTS))

        async def caller() -> None:
            for number in numbers:
                await this.record(number)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        await this.until_handled(EVENTS)
        return EVENTS / (time.perf_counter() - started)


async def latency() -> list[float]:
    """Seconds from the begin of a transaction to its event's effect, one after the other."""
    async with house() as this, _running(this, relays=True):
        found = []
        for number in range(ONE_BY_ONE):
            started = time.perf_counter()
            await this.record(number)
            await this.until_handled(number + 1)
            found.append(this.handled[number] - started)
        return found


async def backlog() -> tuple[float, float]:
    """Events per second of a backlog: from the outbox to the bus, and from the bus to their effect."""
    async with house() as this:
        for start in range(0, BACKLOG, 1_000):
            await this.record(*range(start, start + 1_000))
        started = time.perf_counter()
        relay = Relay(this.database, this.bus)
        while await relay.relay():
            continue
        relayed = time.perf_counter()
        async with _running(this, relays=False):
            await this.until_handled(BACKLOG)
        return BACKLOG / (relayed - started), BACKLOG / (time.perf_counter() - relayed)


@asynccontextmanager
async def _running(this: House, *, relays: bool) -> AsyncIterator[None]:
    work = [this.runner.run(), *([Relay(this.database, this.bus).run()] if relays else [])]
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def main() -> None:
    """Print the table."""
    waits = sorted(asyncio.run(latency()))
    relayed, handled = asyncio.run(backlog())
    rows = [
        (f"recorded by {CALLERS} callers, relayed and handled", f"{asyncio.run(under_load()):,.0f}"),
        (f"a backlog of {BACKLOG:,}, outbox to bus", f"{relayed:,.0f}"),
        (f"a backlog of {BACKLOG:,}, bus to effect", f"{handled:,.0f}"),
    ]
    show("Events through outbox and bus, SQLite", ("", "events per second"), rows)
    figures = (f"{statistics.median(waits) * 1000:.1f}", f"{waits[int(len(waits) * 0.99)] * 1000:.1f}")
    show("From the begin of a transaction to the effect of its event", ("", "p50 ms", "p99 ms"), [("alone", *figures)])


if __name__ == "__main__":
    main()
