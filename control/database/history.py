"""What accounts watched: one entry for an account and a title."""

from dataclasses import asdict, dataclass

from sqlalchemy import RowMapping, Select, delete, exists, insert, select, update

from control.database.engine import Connection
from control.database.tables import accounts, history, titles


@dataclass(frozen=True, slots=True)
class Entry:
    """What an account watched of a title, and where it goes on.

    `position_seconds` is the resume point, 0 when there is none, and `told_at` the time of the event that told it.
    `finished`: seen to the end at least once. `entry_id` grows with `watched_at`, the time of the newest event.
    """

    account_id: str
    title_id: str
    entry_id: str
    position_seconds: float
    told_at: float
    finished: bool
    watched_seconds: float
    watched_at: float


async def resume_point(connection: Connection, account_id: str, title_id: str) -> float:
    """Where an account left a title, in seconds; 0 when it never began it or has finished it."""
    found = await find(connection, account_id, title_id)
    return 0.0 if found is None else found.position_seconds


async def find(connection: Connection, account_id: str, title_id: str, *, lock: bool = False) -> Entry | None:
    """An entry; with `lock` nobody else changes it before this transaction ends."""
    query = select(history).where(history.c.account_id == account_id, history.c.title_id == title_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else Entry(**row)


async def known(connection: Connection, account_id: str, title_id: str) -> bool:
    """Whether account and title both still exist, so that an entry of them can be kept."""
    account = exists().where(accounts.c.account_id == account_id)
    return bool(await connection.scalar(select(account & exists().where(titles.c.title_id == title_id))))


async def add(connection: Connection, entry: Entry) -> None:
    """Record a new entry."""
    await connection.execute(insert(history).values(asdict(entry)))


async def save(connection: Connection, entry: Entry) -> None:
    """Record what has become of an entry."""
    chosen = (history.c.account_id == entry.account_id) & (history.c.title_id == entry.title_id)
    await connection.execute(update(history).where(chosen).values(asdict(entry)))


async def forget(connection: Connection, account_id: str, title_id: str) -> bool:
    """Remove an entry; whether there was one."""
    chosen = (history.c.account_id == account_id) & (history.c.title_id == title_id)
    return bool((await connection.execute(delete(history).where(chosen))).rowcount)


async def page(connection: Connection, account_id: str, before: str, size: int) -> list[Entry]:
    """Up to `size` entries of an account older than the entry `before` (empty: all), latest first."""
    query = _latest(account_id).limit(size)
    return await _made(connection, query.where(history.c.entry_id < before) if before else query)


def _latest(account_id: str) -> Select[tuple[RowMapping]]:
    return select(history).where(history.c.account_id == account_id).order_by(history.c.entry_id.desc())


async def _made(connection: Connection, query: Select[tuple[RowMapping]]) -> list[Entry]:
    return [Entry(**row) for row in (await connection.execute(query)).mappings()]
