"""How well playback sessions played, one by one and summed up by title and day."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from operator import add as plus
from operator import sub as minus
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, Table, delete, func, select

from control.database import upsert
from control.database.engine import Connection
from control.database.tables import playback_quality, quality_days, startup_days

By = Literal["day", "title_id"]
Days = tuple[int, int]
"""The first and the last of some days, in days since 1970 (UTC)."""

_COLUMNS = playback_quality.c


@dataclass(frozen=True, slots=True)
class SessionQuality:
    """How well one playback session played; `day` is that of its first report, in days since 1970 (UTC)."""

    session_id: str
    title_id: str
    account_id: str
    asset_id: str
    day: int
    startup_seconds: float | None = None
    played_seconds: float = 0.0
    rebuffer_seconds: float = 0.0
    stalls: int = 0
    average_bitrate: float = 0.0
    rung_changes: int = 0
    errors: int = 0
    started: bool = False
    ended: str = ""
    experience: str = ""
    dropped_frames: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """What several sessions add up to, in whole numbers: `rated_ms` were played at a bitrate that is known.

    `exits` are those that the viewer left before the first picture, `failures` those that failed before it.
    """

    played_ms: int = 0
    rebuffered_ms: int = 0
    kilobits: int = 0
    rated_ms: int = 0
    sessions: int = 0
    stalls: int = 0
    exits: int = 0
    failures: int = 0
    dropped_frames: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(plus, astuple(self), astuple(other)))

    def __sub__(self, other: Self) -> Self:
        return type(self)(*map(minus, astuple(self), astuple(other)))


async def find(connection: Connection, session_id: str) -> SessionQuality | None:
    """How well a session played, of which something was reported."""
    query = select(playback_quality).where(_COLUMNS.session_id == session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else SessionQuality(**row)


async def locked(connection: Connection, session_ids: Collection[str]) -> dict[str, SessionQuality]:
    """Those of these sessions that are known; nobody else changes them before this transaction ends."""
    query = select(playback_quality).where(_COLUMNS.session_id.in_(session_ids)).order_by(_COLUMNS.session_id)
    rows = await connection.execute(query.with_for_update())
    return {row["session_id"]: SessionQuality(**row) for row in rows.mappings()}


async def among(connection: Connection, session_ids: Sequence[str]) -> list[SessionQuality]:
    """Those of these sessions of which something was reported, without what that was."""
    told = (_COLUMNS.session_id, _COLUMNS.title_id, _COLUMNS.account_id, _COLUMNS.asset_id, _COLUMNS.day)
    rows = await connection.execute(select(*told).where(_COLUMNS.session_id.in_(session_ids)))
    return [SessionQuality(**row) for row in rows.mappings()]


async def put(connection: Connection, sessions: Iterable[SessionQuality]) -> None:
    """Keep what is known of sessions now."""
    await upsert.put(connection, playback_quality, [asdict(session) for session in sessions])


async def add(connection: Connection, sums: Mapping[tuple[str, int], Sums]) -> None:
    """Add to the sums of titles and days."""
    rows = [{"title_id": title_id, "day": day, **asdict(each)} for (title_id, day), each in sums.items()]
    await upsert.add_up(connection, quality_days, rows)


async def add_startups(connection: Connection, startups: Mapping[tuple[str, int, int], int]) -> None:
    """Add to the numbers of sessions by title, day and step of their start-up."""
    columns = ("title_id", "day", "step", "sessions")
    rows = [dict(zip(columns, (*key, count), strict=True)) for key, count in startups.items()]
    await upsert.add_up(connection, startup_days, rows)


async def sums(connection: Connection, by: By, title_ids: Collection[str], days: Days) -> dict[Any, Sums]:
    """The sums of titles over some days, for each title or day of which something was reported."""
    of, columns = quality_days.c[by], [func.sum(quality_days.c[field.name]) for field in fields(Sums)]
    rows = await connection.execute(select(of, *columns).where(_chosen(quality_days, title_ids, days)).group_by(of))
    return {key: Sums(*map(int, values)) for key, *values in rows}


async def startups(connection: Connection, by: By, title_ids: Collection[str], days: Days) -> dict[Any, dict[int, int]]:
    """How many sessions of titles over some days took which step to start, for each title or day."""
    of, step, count = startup_days.c[by], startup_days.c.step, func.sum(startup_days.c.sessions)
    query = select(of, step, count).where(_chosen(startup_days, title_ids, days)).group_by(of, step)
    found: dict[Any, dict[int, int]] = defaultdict(dict)
    for key, at, sessions in await connection.execute(query):
        found[key][at] = int(sessions)
    return {**found}


async def forget(connection: Connection, before_day: int) -> None:
    """Remove what is older than a day."""
    for table in (playback_quality, quality_days, startup_days):
        await connection.execute(delete(table).where(table.c.day < before_day))


def _chosen(table: Table, title_ids: Collection[str], days: Days) -> ColumnElement[bool]:
    return table.c.title_id.in_(title_ids) & table.c.day.between(*days)
