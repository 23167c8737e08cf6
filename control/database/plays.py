"""Plays one by one, and the days on which accounts played."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import and_, delete, func, or_, select

from control.database import upsert
from control.database.engine import Connection
from control.database.tables import account_days, plays, titles

ALL = ""
"""In the place of a title: all of them together, also those that were removed since."""

Viewing = tuple[str, str]
"""A title, or ALL, and an account that played it."""
Days = Mapping[int, int]
"""How many plays began on each day, counted from 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class Play:
    """What is known of one playback session.

    `day`, counted from 1970 (UTC), is that of its start; of the oldest event that is known until `started`.
    `watched_ms` are milliseconds of the viewer's time, `reached_ppm` is the share of the title that was reached, in
    millionths.
    """

    session_id: str
    title_id: str
    account_id: str
    day: int
    started: bool = False
    watched_ms: int = 0
    reached_ppm: int = 0


Change = tuple[Play | None, Play]
"""A play as it was known before, and as it is now."""


async def among(connection: Connection, session_ids: Collection[str]) -> dict[str, Play]:
    """Those of these plays that are known, which nobody else changes before this transaction ends."""
    query = select(plays).where(plays.c.session_id.in_(session_ids)).order_by(plays.c.session_id)
    rows = await connection.execute(query.with_for_update())
    return {row["session_id"]: Play(**row) for row in rows.mappings()}


async def known(connection: Connection, title_ids: Collection[str]) -> set[str]:
    """Those of these titles that there are; nobody removes them before this transaction ends."""
    query = select(titles.c.title_id).where(titles.c.title_id.in_(title_ids)).order_by(titles.c.title_id)
    return set(await connection.scalars(query.with_for_update(read=True, key_share=True)))


async def add(connection: Connection, new: Iterable[Play]) -> None:
    """Record plays that were not known. Fails when another control was quicker."""
    await upsert.add(connection, plays, [asdict(play) for play in new])


async def put(connection: Connection, changed: Iterable[Play]) -> None:
    """Record what has become of plays."""
    await upsert.put(connection, plays, [asdict(play) for play in changed])


async def days(connection: Connection, viewings: Collection[Viewing]) -> dict[Viewing, Days]:
    """The days on which accounts played, as far as they are asked for."""
    of_titles = [viewing for viewing in viewings if viewing[0] != ALL]
    return {
        **await _days_of_titles(connection, of_titles),
        **await _days_of_accounts(connection, {account_id for title_id, account_id in viewings if title_id == ALL}),
    }


async def add_days(connection: Connection, moved: Mapping[Viewing, Days]) -> None:
    """Add to the days on which accounts played anything."""
    rows = [
        {"account_id": account_id, "day": day, "plays": count}
        for (_, account_id), days in moved.items()
        for day, count in days.items()
    ]
    await upsert.add_up(connection, account_days, rows)


async def forget(connection: Connection, before_day: int) -> None:
    """Remove what is older than a day."""
    for table in (plays, account_days):
        await connection.execute(delete(table).where(table.c.day < before_day))


async def _days_of_titles(connection: Connection, viewings: Collection[Viewing]) -> dict[Viewing, Days]:
    columns = (plays.c.title_id, plays.c.account_id, plays.c.day)
    # SQLite seeks in the index for each of these, but would read all of it for a list of pairs.
    one_of = or_(
        *(and_(plays.c.title_id == title_id, plays.c.account_id == account_id) for title_id, account_id in viewings)
    )
    chosen = one_of & plays.c.started.is_(True)
    found: dict[Viewing, dict[int, int]] = defaultdict(dict)
    rows = await connection.execute(select(*columns, func.count()).where(chosen).group_by(*columns))
    for title_id, account_id, day, count in rows:
        found[title_id, account_id][day] = count
    return {**found}


async def _days_of_accounts(connection: Connection, account_ids: Collection[str]) -> dict[Viewing, Days]:
    """Kept apart from the plays, which go with their titles."""
    chosen = account_days.c.account_id.in_(account_ids) & (account_days.c.plays > 0)
    found: dict[Viewing, dict[int, int]] = defaultdict(dict)
    for row in await connection.execute(select(account_days).where(chosen)):
        found[ALL, row.account_id][row.day] = row.plays
    return {**found}
