"""A process of genuine parts that records events under load until it is killed: `python -m tests.ledger FOLDER`.

Each event is recorded in the transaction that writes its cause into a ledger; two consumer groups write its effects
into the same database. So what was lost, and what took effect twice, can be counted afterwards.
"""

import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from control.database import Connection, Database, outbox
from control.database.engine import open_database
from control.events.consumer import Consumer, Handler
from control.events.relay import Relay
from control.events.runner import Runner
from matinee.event_log import open_event_log
from protos.v1.events_pb2 import MoviePlayed
from tests.patience import until
from tests.stack import ROOT

GROUPS = ("history", "popularity")
KEYS = 4
LONGEST_LIFE_SECONDS = 0.25
"""Of a process from when it is ready; it is killed at some moment in between."""
TABLES = (
    "CREATE TABLE IF NOT EXISTS ledger (account_id TEXT, number INTEGER)",
    "CREATE TABLE IF NOT EXISTS effects (consumer_group TEXT, account_id TEXT, number INTEGER)",
)


@dataclass
class Count:
    """What became of the events. `caught` counts kills that left committed events which had not been sent."""

    kills: int = 0
    caught: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0


@asynccontextmanager
async def parts(folder: Path) -> AsyncIterator[Database]:
    """The database in a folder, and its bus, with relay and consumers at work."""
    database = await open_database(f"sqlite+aiosqlite:///{folder / 'matinee.db'}")
    async with database.write() as connection:
        for table in TABLES:
            await connection.execute(text(table))
    path = folder / "events.db"
    async with open_event_log(path, time.time, retention_seconds=86_400, most_bytes=2**30) as bus:
        consumers = [Consumer(group, {MoviePlayed: effect(group)}) for group in GROUPS]
        work = [Relay(database, bus).run()]
        work += [Runner(consumer, database, bus, time.time).run() for consumer in consumers]
        tasks = [asyncio.create_task(each) for each in work]
        try:
            yield database
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await database.close()


def effect(group: str) -> Handler:
    """A handler that writes down what it was told."""

    async def handler(connection: Connection, message: MoviePlayed) -> None:
        values = {"group": group, "account": message.account_id, "number": int(message.position_seconds)}
        await connection.execute(text("INSERT INTO effects VALUES (:group, :account, :number)"), values)

    return handler


async def record_for_ever(database: Database, account_id: str) -> None:
    """Record events of one account, numbered from what the ledger has."""
    while True:
        async with database.write() as connection:
            query = text("SELECT count(*) FROM ledger WHERE account_id = :account")
            number = int(await connection.scalar(query, {"account": account_id}) or 0)
            values = {"account": account_id, "number": number}
            await connection.execute(text("INSERT INTO ledger VALUES (:account, :number)"), values)
            await outbox.record(connection, MoviePlayed(account_id=account_id, position_seconds=number), time.time)


async def live(folder: Path) -> None:
    """Record, relay and handle until killed."""
    async with parts(folder) as database:
        print("ready", flush=True)  # noqa: T201 - the sign that whoever kills it waits for
        await asyncio.gather(*(record_for_ever(database, f"account-{key}") for key in range(KEYS)))


async def kill_repeatedly(folder: Path, kills: int, moments: random.Random) -> Count:
    """Start the process and kill it at some moment, again and again; then let everything be handled, and count."""
    count = Count(kills=kills)
    for _ in range(kills):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.ledger", str(folder), cwd=ROOT, stdout=PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(moments.uniform(0, LONGEST_LIFE_SECONDS))
        process.kill()
        await process.wait()
        count.caught += await _unsent(folder) > 0
    async with parts(folder) as database:
        await until(lambda: _settled(database))
        await _count(database, count)
    return count


async def _unsent(folder: Path) -> int:
    database = await open_database(f"sqlite+aiosqlite:///{folder / 'matinee.db'}")
    try:
        async with database.read() as connection:
            return len(await outbox.oldest(connection, 1))
    finally:
        await database.close()


async def _settled(database: Database) -> bool:
    """Whether every event has been sent, and nothing more is handled."""
    async with database.read() as connection:
        if await outbox.oldest(connection, 1):
            return False
        before = await connection.scalar(text("SELECT count(*) FROM handled_events"))
    await asyncio.sleep(0.5)
    async with database.read() as connection:
        return bool(before == await connection.scalar(text("SELECT count(*) FROM handled_events")))


async def _count(database: Database, count: Count) -> None:
    async with database.read() as connection:
        caused = list(await connection.execute(text("SELECT account_id, number FROM ledger")))
        done = list(await connection.execute(text("SELECT consumer_group, account_id, number FROM effects")))
    expected = {(group, *cause) for group in GROUPS for cause in caused}
    found = [tuple(one) for one in done]
    count.events = len(caused)
    count.lost = len(expected - set(found))
    count.doubled = len(found) - len(set(found))
    for group in GROUPS:
        for key in {account for account, _ in caused}:
            numbers = [number for one, account, number in found if (one, account) == (group, key)]
            count.disordered += numbers != sorted(numbers)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1])))
