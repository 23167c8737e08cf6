"""How titles did: sums of their plays for each day, and of all titles together.

Days are counted from 1970 (UTC). What is summed up is whole numbers, so that the sums are exact in whatever order they
grow.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from sqlalchemy import delete, func, literal, select

from control.database import plays, upsert
from control.database.engine import Connection
from control.database.plays import ALL
from control.database.tables import play_days, viewer_days

NEVER = -1
"""In the place of a day: none before."""

_SUMS = (func.sum(play_days.c.plays), func.sum(play_days.c.watched_ms), func.sum(play_days.c.reached_ppm))
_VIEWERS = func.sum(viewer_days.c.viewers)


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of several plays."""

    plays: int = 0
    watched_ms: int = 0
    reached_ppm: int = 0

    def __add__(self, other: Self) -> Self:
        plays, watched_ms = self.plays + other.plays, self.watched_ms + other.watched_ms
        return type(self)(plays, watched_ms, self.reached_ppm + other.reached_ppm)

    def __sub__(self, other: Self) -> Self:
        return self + type(self)(-other.plays, -other.watched_ms, -other.reached_ppm)


async def add(connection: Connection, tallies: Mapping[tuple[str, int], Tally]) -> None:
    """Add to the sums of titles and days."""
    rows = [{"title_id": title_id, "day": day, **asdict(tally)} for (title_id, day), tally in tallies.items()]
    await upsert.add_up(connection, play_days, rows)


async def add_viewers(connection: Connection, viewers: Mapping[tuple[str, int, int], int]) -> None:
    """Add to the viewers of titles, by the day on which they played and the last one before it."""
    columns = ("title_id", "day", "last_day", "viewers")
    rows = [dict(zip(columns, (*key, count), strict=True)) for key, count in viewers.items()]
    await upsert.add_up(connection, viewer_days, rows)


async def by_day(connection: Connection, title_id: str, first_day: int, last_day: int) -> dict[int, Tally]:
    """The sums of a title for each day on which it was played."""
    chosen = (play_days.c.title_id == title_id) & play_days.c.day.between(first_day, last_day)
    rows = await connection.execute(select(play_days.c.day, *_SUMS).where(chosen).group_by(play_days.c.day))
    return {day: _tally(sums) for day, *sums in rows}


async def most_played(connection: Connection, first_day: int, last_day: int, size: int) -> dict[str, Tally]:
    """The sums of the titles that were played most over some days, the most played first."""
    of, played = play_days.c.title_id, func.sum(play_days.c.plays)
    chosen = (of != ALL) & play_days.c.day.between(first_day, last_day)
    query = select(of, *_SUMS).where(chosen).group_by(of).having(played > 0)
    rows = await connection.execute(query.order_by(played.desc(), of).limit(size))
    return {title_id: _tally(sums) for title_id, *sums in rows}


async def viewers_by_day(connection: Connection, title_id: str, first_day: int, last_day: int) -> dict[int, int]:
    """How many accounts played a title on each day."""
    chosen = (viewer_days.c.title_id == title_id) & viewer_days.c.day.between(first_day, last_day)
    rows = await connection.execute(select(viewer_days.c.day, _VIEWERS).where(chosen).group_by(viewer_days.c.day))
    return {day: int(viewers) for day, viewers in rows if viewers}


async def viewers(connection: Connection, title_ids: Collection[str], first_day: int, last_day: int) -> dict[str, int]:
    """How many accounts played each of these titles over some days."""
    days = viewer_days.c.day.between(first_day, last_day) & (viewer_days.c.last_day < first_day)
    chosen = viewer_days.c.title_id.in_(title_ids) & days
    query = select(viewer_days.c.title_id, _VIEWERS).where(chosen).group_by(viewer_days.c.title_id)
    return {title_id: int(viewers) for title_id, viewers in await connection.execute(query)}


async def forget_title(connection: Connection, title_id: str) -> None:
    """Remove the sums of a title that is removed; those of all together stay."""
    for table in (play_days, viewer_days):
        await connection.execute(delete(table).where(table.c.title_id == title_id))


async def forget(connection: Connection, before_day: int) -> None:
    """Remove what is older than a day, plays too."""
    await plays.forget(connection, before_day)
    await connection.execute(delete(play_days).where(play_days.c.day < before_day))
    gone = await connection.execute(delete(viewer_days).where(viewer_days.c.day < before_day))
    if gone.rowcount:
        await _forget_last_days(connection, before_day)


async def _forget_last_days(connection: Connection, before_day: int) -> None:
    """Let who played last on a day that is forgotten be who never played before, as the plays that are left say."""
    old = viewer_days.c.last_day.between(NEVER + 1, before_day - 1)
    of = (viewer_days.c.title_id, viewer_days.c.day)
    merged = select(*of, literal(NEVER), _VIEWERS).where(old).group_by(*of)
    made = upsert.insert(connection, viewer_days)
    made = made.from_select(["title_id", "day", "last_day", "viewers"], merged)
    await connection.execute(upsert.adding(made, viewer_days))
    await connection.execute(delete(viewer_days).where(old))


def _tally(sums: Sequence[Any]) -> Tally:
    return Tally(*(int(each or 0) for each in sums))
