"""The SQLite file of the event log, and every statement on it. The only module that imports aiosqlite.

One connection writes and one reads; the write-ahead log lets them do so at the same time, in this process and in
others. A commit returns when its bytes are on the disk (`synchronous = FULL`). Positions grow in the order of commits.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiosqlite

from matinee.bus import Event
from matinee.errors import InvalidInput, Unavailable
from matinee.locks import held
from matinee.small_files import make_private

BUSY_MILLISECONDS = 5_000
VERSION = 1
TABLES = (
    """CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id TEXT NOT NULL,
        topic TEXT NOT NULL,
        key TEXT NOT NULL,
        time REAL NOT NULL,
        data BLOB NOT NULL,
        reason TEXT NOT NULL,
        published_at REAL NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS events_by_topic ON events (topic, position)",
    """CREATE TABLE IF NOT EXISTS offsets (
        consumer_group TEXT NOT NULL,
        topic TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (consumer_group, topic)
    ) WITHOUT ROWID""",
    f"PRAGMA user_version = {VERSION}",
)
SELECT = "SELECT position, event_id, topic, key, time, data, reason FROM events"
TRIMMED = 1_000
"""Most events that one transaction removes, so that publishers wait for milliseconds."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event and its position in the log."""

    position: int
    event: Event


class Trimmed(NamedTuple):
    """How many events were removed, and what of it groups had not done: group, topic, first, last, and how many."""

    events: int
    missed: list[tuple[str, str, int, int, int]]


class LogFile:
    """The file, open. Every method raises `Unavailable` when the file does not answer."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Close the file."""
        await self._reader.close()
        await self._writer.close()

    async def append(self, events: Sequence[Event], now: float) -> None:
        """Add events, all of them or none."""
        rows = [(one.event_id, one.topic, one.key, one.time, one.data, one.reason, now) for one in events]
        async with self._writing() as connection:
            await connection.executemany(
                "INSERT INTO events (event_id, topic, key, time, data, reason, published_at) VALUES (?,?,?,?,?,?,?)",
                rows,
            )

    async def newest(self) -> int:
        """The position of the newest event that is kept; 0 when there is none."""
        return int((await self._read("SELECT coalesce(max(position), 0) FROM events"))[0][0])

    async def before(self, since: float) -> int:
        """The position before the first event whose time is `since` or later; the newest when there is none."""
        (first,) = (await self._read("SELECT min(position) - 1 FROM events WHERE time >= ?", since))[0]
        return await self.newest() if first is None else int(first)

    async def after(self, position: int, most: int) -> list[Stored]:
        """The first events of any topic after a position."""
        return _stored(await self._read(f"{SELECT} WHERE position > ? ORDER BY position LIMIT ?", position, most))

    async def of_topics(self, positions: Mapping[str, int], most: int) -> list[Stored]:
        """The first events of these topics, each after its own position."""
        one = f"SELECT * FROM ({SELECT} WHERE topic = ? AND position > ? ORDER BY position LIMIT ?)"  # noqa: S608
        query = " UNION ALL ".join([one] * len(positions)) + " ORDER BY position LIMIT ?"
        given = [value for topic, position in positions.items() for value in (topic, position, most)]
        return _stored(await self._read(query, *given, most))

    async def join(self, group: str, topics: Collection[str]) -> None:
        """Let a group begin with the oldest event of each topic that it has not read before."""
        rows = [(group, topic) for topic in topics]
        async with self._writing() as connection:
            await connection.executemany("INSERT OR IGNORE INTO offsets VALUES (?, ?, 0)", rows)

    async def offsets(self, group: str, topics: Collection[str]) -> dict[str, int]:
        """The positions up to which a group has done its topics."""
        found = dict(await self._read("SELECT topic, position FROM offsets WHERE consumer_group = ?", group))
        return {topic: found.get(topic, 0) for topic in topics}

    async def lag(self, group: str, topics: Collection[str]) -> dict[str, int]:
        """How many events of each topic lie after what a group has done."""
        count = "SELECT count(*) FROM events WHERE topic = ? AND position > ?"
        done = await self.offsets(group, topics)
        return {topic: int((await self._read(count, topic, position))[0][0]) for topic, position in done.items()}

    async def advance(self, group: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Note how far a group has come since `before`; where it was set back meanwhile, that stands."""
        rows = [(after[topic], group, topic, before[topic]) for topic in after if after[topic] != before[topic]]
        async with self._writing() as connection:
            await connection.executemany(
                "UPDATE offsets SET position = ? WHERE consumer_group = ? AND topic = ? AND position = ?", rows
            )

    async def rewind(self, group: str, topics: Iterable[str], since: float) -> None:
        """Set a group back to the first event of each topic whose time is `since` or later."""
        async with self._writing() as connection:
            await connection.executemany(
                """REPLACE INTO offsets VALUES (?, ?, coalesce(
                    (SELECT min(position) - 1 FROM events WHERE topic = ? AND time >= ?),
                    (SELECT max(position) FROM events),
                    0
                ))""",
                [(group, topic, topic, since) for topic in topics],
            )

    async def trim_older(self, published_before: float) -> Trimmed:
        """Remove some of the oldest events, those that were published before a moment."""
        oldest = "published_at < ? AND events.position IN (SELECT position FROM events ORDER BY position LIMIT ?)"
        async with self._writing() as connection:
            return await _removed(connection, oldest, published_before, TRIMMED)

    async def trim_oldest(self, most_bytes: int) -> Trimmed:
        """Remove some of the oldest events when all take more room in the file than this."""
        async with self._writing() as connection:
            used = await _used_bytes(connection)
            ends = "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM events"
            oldest, newest = next(iter(await connection.execute_fetchall(ends)))
            surplus = math.ceil((newest - oldest + 1) * (1 - most_bytes / used))
            return await _removed(connection, "events.position < ?", oldest + min(surplus, TRIMMED))

    async def _read(self, query: str, *values: Any) -> list[Any]:
        with _translated():
            return list(await self._reader.execute_fetchall(query, values))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[aiosqlite.Connection]:
        """A transaction, committed at the end; undone by an exception, and by a cancellation too."""
        async with self._turn:
            with _translated():
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    await self._writer.execute("COMMIT")
                except BaseException:
                    await asyncio.shield(self._writer.rollback())
                    raise


async def open_log_file(path: Path) -> LogFile:
    """Open the file, or make it.

    Raises `InvalidInput` when it cannot be used, `Unavailable` when it does not answer.
    """
    try:
        make_private(path)
    except OSError as error:
        raise InvalidInput(f"the event log {path} cannot be made: {error.strerror}") from error
    with _translated():
        async with held(path.with_name(f"{path.name}.lock")):  # SQLite lets only one at a time turn to WAL
            return await _opened(path)


async def _opened(path: Path) -> LogFile:
    writer = await _connect(path)
    try:
        await _prepare(writer, path)
        return LogFile(writer, await _connect(path))
    except BaseException:
        await writer.close()
        raise


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        for pragma in (f"busy_timeout = {BUSY_MILLISECONDS}", "journal_mode = WAL", "synchronous = FULL"):
            await connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        await connection.close()  # its thread would keep the process from ending
        raise
    return connection


async def _prepare(connection: aiosqlite.Connection, path: Path) -> None:
    (found,) = next(iter(await connection.execute_fetchall("PRAGMA user_version")))
    if found > VERSION:
        raise InvalidInput(f"the event log {path} was written by a newer Matinee: use that, or name another file")
    for statement in TABLES if found < VERSION else ():
        await connection.execute(statement)


async def _removed(connection: aiosqlite.Connection, condition: str, *values: Any) -> Trimmed:
    missed = await connection.execute_fetchall(
        f"""SELECT consumer_group, topic, min(events.position), max(events.position), count(*)
        FROM events JOIN offsets USING (topic) WHERE events.position > offsets.position AND {condition}
        GROUP BY consumer_group, topic""",  # noqa: S608 - a condition of ours
        values,
    )
    done = await connection.execute(f"DELETE FROM events WHERE {condition}", values)  # noqa: S608
    return Trimmed(done.rowcount, [(*row,) for row in missed])


async def _used_bytes(connection: aiosqlite.Connection) -> int:
    pages, free, size = [
        next(iter(await connection.execute_fetchall(f"PRAGMA {name}")))[0]
        for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((pages - free) * size)


def _stored(rows: Iterable[Sequence[Any]]) -> list[Stored]:
    return [Stored(position, Event(*values)) for position, *values in rows]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except aiosqlite.Error as error:
        raise Unavailable("the event log does not answer; try again") from error
