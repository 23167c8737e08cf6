"""What recommendations are learnt from, and what is learnt.

All of it is about works: films, and series, which are watched by their episodes. A work counts as watched by an account
that finished it, or an episode of it, or watched it for LEAST_SECONDS.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, or_, select

from control.database.engine import Connection
from control.database.tables import history, recommendation_models, titles
from control.database.titles import visible

LEAST_SECONDS = 120.0
ROWS = 10_000

_above = titles.alias("above")
_beneath = _above.c.title_id == titles.c.parent_id
_work = func.coalesce(func.nullif(_above.c.parent_id, ""), func.nullif(titles.c.parent_id, ""), titles.c.title_id)
_watched = or_(history.c.finished, history.c.watched_seconds >= LEAST_SECONDS)


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt from the history: `trained_at` in Unix seconds, `data` as the affinity is stored."""

    version: str
    trained_at: float
    accounts: int
    titles: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """What can be played of a work, as far as plans are about it: the plan that it needs, and its tags as JSON."""

    work_id: str
    plan_id: str
    tags: str


async def popular(connection: Connection, since: float, most: int) -> list[str]:
    """The `most` works that most accounts watched; first those that most accounts watched since then."""
    viewers = func.count(history.c.account_id.distinct())
    recent = func.count(case((history.c.watched_at >= since, history.c.account_id)).distinct())
    query = _history(_work.label("work_id"), viewers.label("viewers"), recent.label("recent")).group_by("work_id")
    rows = (await connection.execute(query.order_by(viewers.desc(), _work).limit(most))).all()
    ranked = sorted(rows, key=lambda row: (-row.recent, -row.viewers, row.work_id))
    return [row.work_id for row in ranked]


async def watchings(connection: Connection) -> AsyncIterator[Sequence[tuple[str, str]]]:
    """Everything that was watched, as pairs of an account and a work, some of them twice; many at a time."""
    result = await connection.stream(_history(history.c.account_id, _work).order_by(history.c.account_id))
    async for rows in result.partitions(ROWS):
        yield [(account_id, work_id) for account_id, work_id in rows]


async def watched(connection: Connection, account_id: str) -> list[str]:
    """The works that an account watched, each once, latest first."""
    query = _history(_work).where(history.c.account_id == account_id).order_by(history.c.entry_id.desc())
    return list(dict.fromkeys(await connection.scalars(query)))


async def playable(connection: Connection, work_ids: Collection[str], now: float) -> list[Part]:
    """What can be played of works at a moment: media that viewers see."""
    season = titles.alias("season")
    seasons = select(season.c.title_id).where(season.c.parent_id.in_(work_ids))
    own, direct = titles.c.title_id.in_(work_ids), titles.c.parent_id.in_(work_ids)
    chosen = or_(own, direct, titles.c.parent_id.in_(seasons))
    query = select(_work, titles.c.plan_id, titles.c.tags).distinct()
    query = query.select_from(titles.outerjoin(_above, _beneath)).where(chosen, visible(now), titles.c.asset_id != "")
    rows = await connection.execute(query)
    return [Part(*row) for row in rows]


async def newest(connection: Connection, before: str, most: int, now: float) -> list[str]:
    """Up to `most` films and series that viewers see, older than the title `before` (empty: all), newest first."""
    query = select(titles.c.title_id).where(titles.c.kind.not_in(("season", "episode")), visible(now))
    query = query.where(titles.c.title_id < before) if before else query
    return list(await connection.scalars(query.order_by(titles.c.title_id.desc()).limit(most)))


async def version(connection: Connection) -> tuple[str, float]:
    """The version of what was learnt last, and when that was; empty and 0 before the first time."""
    query = select(recommendation_models.c.version, recommendation_models.c.trained_at)
    row = (await connection.execute(query.order_by(recommendation_models.c.version.desc()))).first()
    return ("", 0.0) if row is None else (row.version, row.trained_at)


async def load(connection: Connection, version: str) -> bytes | None:
    """What was learnt, as it is stored; None when a newer version has taken its place."""
    query = select(recommendation_models.c.data).where(recommendation_models.c.version == version)
    data: bytes | None = await connection.scalar(query)
    return data


async def save(connection: Connection, model: Model) -> None:
    """Put what was learnt in the place of what was before."""
    await connection.execute(delete(recommendation_models))
    await connection.execute(insert(recommendation_models).values(asdict(model)))


def _history(*columns: ColumnElement[Any]) -> Select[Any]:
    watched = history.join(titles, titles.c.title_id == history.c.title_id)
    return select(*columns).select_from(watched.outerjoin(_above, _beneath)).where(_watched)
