"""kill -9 of the broker of Kafka while events flow from an outbox over it to two consumer groups."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from sqlalchemy import text

from control.database import Database, outbox
from matinee.kafka_bus.bus import open_kafka_bus
from matinee.settings import EventSettings
from protos.v1.events_pb2 import MoviePlayed
from tests.effects import GROUPS, Count, parts, tally
from tests.patience import until
from tests.services.kafka import Broker

KEYS = 40
IN_A_TRANSACTION = 50
LONGEST_SECONDS = 600
LOOK_SECONDS = 0.2


async def kill_broker(folder: Path, broker: Broker, events: int, kills: int, away: float = 0.0) -> Count:
    """Record so many events, kill the broker at even distances and start it again; then count what became of them.

    Half of them are recorded while the broker is away, which it is for at least `away` seconds each time. `caught`
    counts the kills at which events had been recorded that the bus did not have.
    """
    count, share = Count(kills=kills), events // (2 * kills + 1)
    async with parts(folder, open_kafka_bus(EventSettings(url=broker.url))) as database:
        numbers = iter(range(events))
        for _ in range(kills):
            await _record(database, numbers, share)
            broker.kill()
            count.caught += await _waiting(database) > 0
            await asyncio.gather(_record(database, numbers, share), asyncio.sleep(away))
            await asyncio.to_thread(broker.start)
        await _record(database, numbers, events)
        with suppress(TimeoutError):  # then some are lost
            await until(lambda: _handled(database, events), LONGEST_SECONDS)
        await tally(database, count)
    return count


async def _record(database: Database, numbers: Iterator[int], most: int) -> None:
    """Record the next events, some in each transaction, each with its cause in the ledger."""
    given = list(islice(numbers, most))
    for start in range(0, len(given), IN_A_TRANSACTION):
        causes = given[start : start + IN_A_TRANSACTION]
        async with database.write() as connection:
            rows = [{"account": _account(number), "number": number} for number in causes]
            await connection.execute(text("INSERT INTO ledger VALUES (:account, :number)"), rows)
            messages = [MoviePlayed(account_id=_account(number), position_seconds=number) for number in causes]
            await outbox.record_all(connection, messages, time.time)


def _account(number: int) -> str:
    return f"a{number % KEYS:025}"


async def _handled(database: Database, events: int) -> bool:
    """Whether every group has handled so many events."""
    await asyncio.sleep(LOOK_SECONDS)  # the writers go first
    async with database.read() as connection:
        handled = await connection.scalar(text("SELECT count(*) FROM handled_events"))
    return bool(handled == events * len(GROUPS))


async def _waiting(database: Database) -> int:
    async with database.read() as connection:
        return len(await outbox.oldest(connection, 1))
