"""How titles did: the plays one by one, and their sums for each title and day.

Days are counted from 1970 (UTC). What is summed up is whole numbers, so that the sums are exact in whatever order they
grow.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, Self

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, true, update

from control.database.engine import Connection
from control.database.tables import plays, title_days, titles

_SUMS = (func.sum(title_days.c.plays), func.sum(title_days.c.watched_ms), func.sum(title_days.c.reached_ppm))
_VIEWERS = func.count(plays.c.account_id.distinct())


@dataclass(frozen=True, slots=True)
class Play:
    """What is known of one playback session.

    `day` is that of its start; of the oldest event that is known until `started`. `watched_ms` are milliseconds of the
    viewer's time, `reached_ppm` is the share of the title that was reached, in millionths.
    """

    session_id: str
    title_id: str
    account_id: str
    day: int
    started: bool = False
    watched_ms: int = 0
    reached_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of several plays."""

    plays: int = 0
    watched_ms: int = 0
    reached_ppm: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __neg__(self) -> Self:
        return type(self)(*(-mine for mine in astuple(self)))


async def find(connection: Connection, session_id: str) -> Play | None:
    """A play, which nobody else changes before this transaction ends."""
    query = select(plays).where(plays.c.session_id == session_id).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else Play(**row)


async def known(connection: Connection, title_id: str) -> bool:
    """Whether there is such a title, so that its plays can be kept."""
    return bool(await connection.scalar(select(exists().where(titles.c.title_id == title_id))))


async def add(connection: Connection, play: Play) -> None:
    """Record a new play."""
    await connection.execute(insert(plays).values(asdict(play)))


async def save(connection: Connection, play: Play) -> None:
    """Record what has become of a play."""
    await connection.execute(update(plays).where(plays.c.session_id == play.session_id).values(asdict(play)))


async def grow(connection: Connection, title_id: str, day: int, change: Tally) -> None:
    """Add to the sums of a title and a day."""
    chosen = (title_days.c.title_id == title_id) & (title_days.c.day == day)
    grown = {name: title_days.c[name] + value for name, value in asdict(change).items()}
    if not (await connection.execute(update(title_days).where(chosen).values(grown))).rowcount:
        await connection.execute(insert(title_days).values(title_id=title_id, day=day, **asdict(change)))


async def by_day(connection: Connection, title_id: str, first_day: int, last_day: int) -> dict[int, Tally]:
    """The sums of a title for each day on which it was played."""
    chosen = (title_days.c.title_id == title_id) & title_days.c.day.between(first_day, last_day)
    rows = await connection.execute(select(title_days.c.day, *_SUMS).where(chosen).group_by(title_days.c.day))
    return {day: _tally(sums) for day, *sums in rows}


async def most_played(connection: Connection, first_day: int, last_day: int, size: int) -> dict[str, Tally]:
    """The sums of the titles that were played most over some days, the most played first."""
    of, played = title_days.c.title_id, func.sum(title_days.c.plays)
    query = select(of, *_SUMS).where(title_days.c.day.between(first_day, last_day)).group_by(of).having(played > 0)
    rows = await connection.execute(query.order_by(played.desc(), of).limit(size))
    return {title_id: _tally(sums) for title_id, *sums in rows}


async def overall(connection: Connection, first_day: int, last_day: int) -> Tally:
    """The sums of all titles over some days together."""
    row = (await connection.execute(select(*_SUMS).where(title_days.c.day.between(first_day, last_day)))).one()
    return _tally(row)


async def viewers_by_day(connection: Connection, title_id: str, first_day: int, last_day: int) -> dict[int, int]:
    """How many accounts played a title on each day."""
    rows = await connection.execute(
        select(plays.c.day, _VIEWERS)
        .where(plays.c.title_id == title_id, _begun(first_day, last_day))
        .group_by(plays.c.day)
    )
    return dict(rows.all())


async def viewers_by_title(
    connection: Connection, title_ids: Sequence[str], first_day: int, last_day: int
) -> dict[str, int]:
    """How many accounts played each of these titles over some days."""
    chosen = plays.c.title_id.in_(title_ids) & _begun(first_day, last_day)
    rows = await connection.execute(select(plays.c.title_id, _VIEWERS).where(chosen).group_by(plays.c.title_id))
    return dict(rows.all())


async def viewers(connection: Connection, first_day: int, last_day: int, *, title_id: str | None = None) -> int:
    """How many accounts played one title, or any, over some days."""
    of_title = true() if title_id is None else plays.c.title_id == title_id
    return int(await connection.scalar(select(_VIEWERS).where(of_title, _begun(first_day, last_day))) or 0)


async def forget(connection: Connection, before_day: int) -> None:
    """Remove what is older than a day."""
    for table in (plays, title_days):
        await connection.execute(delete(table).where(table.c.day < before_day))


def _begun(first_day: int, last_day: int) -> ColumnElement[bool]:
    return plays.c.day.between(first_day, last_day) & plays.c.started.is_(True)


def _tally(sums: Sequence[Any]) -> Tally:
    return Tally(*(int(each or 0) for each in sums))
