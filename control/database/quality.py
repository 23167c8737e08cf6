"""How well playback sessions played, one by one and summed up."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, insert, select, true, update

from control.database.engine import Connection
from control.database.tables import playback_quality

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


@dataclass(frozen=True, slots=True)
class QualityFigures:
    """How well several sessions played: the median start-up, 0 when none told; shares and rates weighted by time."""

    startup_seconds: float = 0.0
    rebuffer_ratio: float = 0.0
    average_bitrate: float = 0.0


async def find(connection: Connection, session_id: str) -> SessionQuality | None:
    """How well a session played, of which something was reported."""
    query = select(playback_quality).where(_COLUMNS.session_id == session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else SessionQuality(**row)


async def among(connection: Connection, session_ids: Sequence[str]) -> list[SessionQuality]:
    """Those of these sessions of which something was reported, without what that was."""
    told = (_COLUMNS.session_id, _COLUMNS.title_id, _COLUMNS.account_id, _COLUMNS.asset_id, _COLUMNS.day)
    rows = await connection.execute(select(*told).where(_COLUMNS.session_id.in_(session_ids)))
    return [SessionQuality(**row) for row in rows.mappings()]


async def save(connection: Connection, quality: SessionQuality) -> None:
    """Keep what is known of a session now."""
    values = asdict(quality)
    changed = await connection.execute(
        update(playback_quality).where(_COLUMNS.session_id == quality.session_id).values(values)
    )
    if not changed.rowcount:
        await connection.execute(insert(playback_quality).values(values))


async def by_day(connection: Connection, title_id: str, first_day: int, last_day: int) -> dict[int, QualityFigures]:
    """The figures of a title for each day, in days since 1970, on which something was reported."""
    chosen = (_COLUMNS.title_id == title_id) & _COLUMNS.day.between(first_day, last_day)
    return await _figures(connection, _COLUMNS.day, chosen)


async def by_title(connection: Connection, first_day: int, last_day: int) -> dict[str, QualityFigures]:
    """The figures of each title over some days."""
    return await _figures(connection, _COLUMNS.title_id, _COLUMNS.day.between(first_day, last_day))


async def overall(
    connection: Connection, first_day: int, last_day: int, *, title_id: str | None = None
) -> QualityFigures:
    """The figures of one title, or of all, over some days together."""
    of_title = true() if title_id is None else _COLUMNS.title_id == title_id
    together, chosen = _COLUMNS.day.is_not(None), of_title & _COLUMNS.day.between(first_day, last_day)
    return (await _figures(connection, together, chosen)).get(True, QualityFigures())


async def forget(connection: Connection, before_day: int) -> None:
    """Remove what is older than a day."""
    await connection.execute(delete(playback_quality).where(_COLUMNS.day < before_day))


async def _figures(
    connection: Connection, group: ColumnElement[Any], chosen: ColumnElement[bool]
) -> dict[Any, QualityFigures]:
    startups = await _median_startups(connection, group, chosen)
    rated = case((_COLUMNS.average_bitrate > 0, _COLUMNS.played_seconds), else_=0.0)
    sums = select(
        group.label("of"),
        func.sum(_COLUMNS.played_seconds).label("played"),
        func.sum(_COLUMNS.rebuffer_seconds).label("rebuffered"),
        func.sum(_COLUMNS.average_bitrate * _COLUMNS.played_seconds).label("bits"),
        func.sum(rated).label("rated"),
    ).where(chosen)
    return {
        row.of: QualityFigures(
            startup_seconds=startups.get(row.of, 0.0),
            rebuffer_ratio=_share(row.rebuffered, row.played + row.rebuffered),
            average_bitrate=_share(row.bits, row.rated),
        )
        for row in await connection.execute(sums.group_by(group))
    }


async def _median_startups(
    connection: Connection, group: ColumnElement[Any], chosen: ColumnElement[bool]
) -> dict[Any, float]:
    """The middle start-up of each group, or the mean of the two in the middle."""
    told = select(
        group.label("of"),
        _COLUMNS.startup_seconds,
        func.row_number().over(partition_by=group, order_by=_COLUMNS.startup_seconds).label("place"),
        func.count().over(partition_by=group).label("size"),
    ).where(chosen & _COLUMNS.startup_seconds.is_not(None))
    ordered = told.subquery().c
    middle = (ordered.place * 2).between(ordered.size, ordered.size + 2)
    rows = await connection.execute(
        select(ordered.of, func.avg(ordered.startup_seconds).label("startup")).where(middle).group_by(ordered.of)
    )
    return {row.of: row.startup for row in rows}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
