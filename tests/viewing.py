"""Accounts that watch titles: a database with a few of both, and the events that playing makes."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message

from control.analytics import history
from control.database import Connection, Database, accounts, titles
from control.database.accounts import Account
from control.database.titles import Title
from control.events.consumer import BatchConsumer, Consumer
from control.timestamps import timestamp
from protos.v1.events_pb2 import MoviePaused, MoviePlayed

HISTORY = history.consumer(time.time)
NOON = 1_795_780_800.0
"""2026-11-27 12:00 UTC."""
HOUR = 3_600.0


def numbered(letter: str, number: int) -> str:
    """An id that a person can read: `a` and a number."""
    return f"{letter}{number:025}"


@dataclass(frozen=True)
class Cinema:
    """A database with accounts and published titles of an hour each."""

    database: Database
    accounts: Sequence[str]
    titles: Sequence[str]

    async def consume(self, consumer: Consumer | BatchConsumer, events: Iterable[Message]) -> None:
        """Hand events to a consumer, each in a transaction of its own."""
        for event in events:
            async with self.database.write() as connection:
                await consumer.act(connection, [event])

    async def change(self, title_id: str, **changes: Any) -> None:
        """Change what is known of a title."""
        async with self.database.write() as connection:
            await rewrite(connection, title_id, **changes)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        async with self.database.read() as connection:
            yield connection


async def opened(database: Database, accounts_wanted: int = 2, titles_wanted: int = 3) -> Cinema:
    """Fill a database."""
    people = [numbered("a", number) for number in range(accounts_wanted)]
    films = [numbered("t", number) for number in range(titles_wanted)]
    async with database.write() as connection:
        for person in people:
            await accounts.add(connection, Account(person, f"{person}@matinee.local", "hash", "viewer", NOON))
        for number, film in enumerate(films):
            await titles.add(connection, title(film, f"Film {number}"))
    return Cinema(database, people, films)


async def rewrite(connection: Connection, title_id: str, **changes: Any) -> None:
    """Change what is stored of a title, past all that control would ask of it."""
    found = await titles.find(connection, title_id)
    assert found is not None
    await titles.save(connection, replace(found, **changes))


def title(title_id: str, name: str, **changes: Any) -> Title:
    """A published film of an hour."""
    fields = {"published": True, "asset_id": "a" * 26, "duration_seconds": HOUR, "published_at": NOON}
    return Title(title_id, name, **{"created_at": NOON, **fields, **changes})


def played(account_id: str, title_id: str, at: float, *, session: int = 0, started: bool = True) -> MoviePlayed:
    """A stretch of playing begins."""
    return MoviePlayed(
        account_id=account_id,
        title_id=title_id,
        session_id=numbered("s", session),
        started=started,
        time=timestamp(at),
    )


def paused(
    account_id: str,
    title_id: str,
    at: float,
    position: float,
    *,
    session: int = 0,
    watched: float = 60.0,
    duration: float = HOUR,
    sought: bool = False,
) -> MoviePaused:
    """A stretch of playing ends."""
    return MoviePaused(
        account_id=account_id,
        title_id=title_id,
        session_id=numbered("s", session),
        position_seconds=position,
        duration_seconds=duration,
        watched_seconds=watched,
        sought=sought,
        time=timestamp(at),
    )
