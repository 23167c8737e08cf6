"""What accounts watched: one entry for an account and a title."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, RowMapping, Select, Table, and_, delete, false, or_, select

from control.database import plays, upsert
from control.database.engine import Connection
from control.database.tables import accounts, forgotten, history

Key = tuple[str, str]
"""An account and a title."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an account watched of a title, and where it goes on.

    `position_seconds` is the resume point, 0 when there is none, and `told_at` the time of the event that told it.
    `finished`: seen to the end at least once. `entry_id` grows with `watched_at`, the time of the newest event.
    """

    account_id: str
    title_id: str
    entry_id: str = ""
    position_seconds: float = 0.0
    told_at: float = 0.0
    finished: bool = False
    watched_seconds: float = 0.0
    watched_at: float = 0.0


def within(position: float, duration: float) -> float:
    """A resume point in a version of this length: the beginning, where another version was left behind its end."""
    return position if position < duration else 0.0


async def find(connection: Connection, account_id: str, title_id: str) -> Entry | None:
    """An entry."""
    query = select(history).where(history.c.account_id == account_id, history.c.title_id == title_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else Entry(**row)


async def known(connection: Connection, wanted: Collection[Key]) -> set[Key]:
    """Those of these of which account and title both still exist; nobody removes them before this transaction ends."""
    there = await plays.known(connection, {title_id for _, title_id in wanted})  # first, as who deletes one does
    query = select(accounts.c.account_id).where(accounts.c.account_id.in_({account_id for account_id, _ in wanted}))
    held = query.order_by(accounts.c.account_id).with_for_update(read=True, key_share=True)
    people = set(await connection.scalars(held))
    return {(account_id, title_id) for account_id, title_id in wanted if account_id in people and title_id in there}


async def among(connection: Connection, wanted: Collection[Key]) -> dict[Key, Entry]:
    """Those of these entries that there are; nobody else changes them before this transaction ends."""
    query = select(history).where(_one_of(history, wanted)).order_by(history.c.account_id, history.c.title_id)
    entries = await _made(connection, query.with_for_update())
    return {(entry.account_id, entry.title_id): entry for entry in entries}


async def add(connection: Connection, entries: Iterable[Entry]) -> None:
    """Record new entries."""
    await upsert.add(connection, history, [asdict(entry) for entry in entries])


async def save(connection: Connection, entries: Iterable[Entry]) -> None:
    """Record what has become of entries."""
    await upsert.put(connection, history, [asdict(entry) for entry in entries])


async def forget(connection: Connection, account_id: str, title_id: str, now: float) -> bool:
    """Remove an entry, with what happened until now and is told later; whether there was one."""
    chosen = (history.c.account_id == account_id) & (history.c.title_id == title_id)
    if not (await connection.execute(delete(history).where(chosen))).rowcount:
        return False
    await upsert.put(connection, forgotten, [{"account_id": account_id, "title_id": title_id, "forgotten_at": now}])
    return True


async def forgotten_at(connection: Connection, wanted: Collection[Key]) -> dict[Key, float]:
    """When these were last forgotten, of those that were. To be asked for with the entries held (`among`)."""
    rows = await connection.execute(select(forgotten).where(_one_of(forgotten, wanted)))
    return {(row.account_id, row.title_id): row.forgotten_at for row in rows}


async def forget_forgotten(connection: Connection, before: float) -> None:
    """Let go of what was forgotten before a moment: the bus must have forgotten events of until then."""
    await connection.execute(delete(forgotten).where(forgotten.c.forgotten_at < before))


async def page(connection: Connection, account_id: str, before: str, size: int) -> list[Entry]:
    """Up to `size` entries of an account older than the entry `before` (empty: all), latest first."""
    query = _latest(account_id).limit(size)
    return await _made(connection, query.where(history.c.entry_id < before) if before else query)


def _one_of(table: Table, wanted: Collection[Key]) -> ColumnElement[bool]:
    return or_(false(), *(and_(table.c.account_id == one, table.c.title_id == other) for one, other in wanted))


def _latest(account_id: str) -> Select[tuple[RowMapping]]:
    return select(history).where(history.c.account_id == account_id).order_by(history.c.entry_id.desc())


async def _made(connection: Connection, query: Select[tuple[RowMapping]]) -> list[Entry]:
    return [Entry(**row) for row in (await connection.execute(query)).mappings()]
