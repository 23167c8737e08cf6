"""A database with a relay and two consumer groups at work on a bus, which write down the effects of events.

Each event is recorded in the transaction that writes its cause into a ledger; the groups write its effects into the
same database. So what was lost, and what took effect twice, can be counted afterwards.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from control.database import Connection, Database
from control.database.engine import open_database
from control.events.consumer import Consumer, Handler
from control.events.relay import Relay
from control.events.runner import Runner
from matinee.bus import EventBus
from matinee.follower import following
from protos.v1.events_pb2 import MoviePlayed

GROUPS = ("history", "popularity")
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
async def parts(folder: Path, opened: AbstractAsyncContextManager[EventBus]) -> AsyncIterator[Database]:
    """The database in a folder, with relay and consumers at work on a bus."""
    database = await open_database(f"sqlite+aiosqlite:///{folder / 'matinee.db'}")
    async with database.write() as connection:
        for table in TABLES:
            await connection.execute(text(table))
    async with opened as bus:
        consumers = [Consumer(group, {MoviePlayed: effect(group)}) for group in GROUPS]
        work = [Relay(database, bus).run()]
        work += [Runner(consumer, database, bus, time.time).run() for consumer in consumers]
        try:
            async with asyncio.TaskGroup() as tasks:
                working = [tasks.create_task(following(each)) for each in work]
                yield database
                for task in working:
                    task.cancel()
        finally:
            await database.close()


def effect(group: str) -> Handler:
    """A handler that writes down what it was told."""

    async def handler(connection: Connection, message: MoviePlayed) -> None:
        values = {"group": group, "account": message.account_id, "number": int(message.position_seconds)}
        await connection.execute(text("INSERT INTO effects VALUES (:group, :account, :number)"), values)

    return handler


async def tally(database: Database, count: Count) -> None:
    """Count what became of the events."""
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
