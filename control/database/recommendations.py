"""What recommendations are learnt from, and what is learnt.

All of it is about works: films, and series, which are watched by their episodes. A work counts as watched by an account
that finished it, or an episode of it, or watched it for LEAST_SECONDS.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal_column, or_, select

from control.database.engine import Connection
from control.database.tables import history, recommendation_models, titles, viewer_days
from control.database.titles import visible

LEAST_SECONDS = 120.0
ROWS = 10_000

_above = titles.alias("above")
_beneath = _above.c.title_id == titles.c.parent_id
_top = titles.alias("top")
_no_title: ColumnElement[str] = literal_column(
    "''"
)  # PostgreSQL knows an expression with parameters not again, in GROUP BY and ORDER BY
_work = func.coalesce(
    func.nullif(_above.c.parent_id, _no_title), func.nullif(titles.c.parent_id, _no_title), titles.c.title_id
)
_watched = or_(history.c.finished, history.c.watched_seconds >= LEAST_SECONDS)


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt from the history: `data` as the affinity is stored."""

    version: str
    accounts: int
    titles: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """What can be played of a work, as far as plans are about it: the plan that it needs, and its tags.

    The tags are lists as JSON: its own, those of what it belongs to, and those of the work.
    """

    work_id: str
    plan_id: str
    tags: tuple[str, ...]


async def most_watched(connection: Connection, most: int) -> list[str]:
    """The `most` works that most accounts ever watched, the most popular first."""
    viewers = func.count(history.c.account_id.distinct())
    query = _history(_work.label("work_id")).group_by("work_id").order_by(viewers.desc(), _work)
    return list(await connection.scalars(query.limit(most)))


async def popular(connection: Connection, first_day: int, last_day: int, most: int) -> list[str]:
    """The `most` works that most accounts played over some days; a series as its most popular episode."""
    days = viewer_days.c.day.between(first_day, last_day) & (viewer_days.c.last_day < first_day)
    played = select(viewer_days.c.title_id, func.sum(viewer_days.c.viewers).label("viewers"))
    each = played.where(days).group_by(viewer_days.c.title_id).subquery()
    viewers = func.max(each.c.viewers)
    works = each.join(titles, titles.c.title_id == each.c.title_id).outerjoin(_above, _beneath)
    query = select(_work).select_from(works).group_by(_work).having(viewers > 0)
    return list(await connection.scalars(query.order_by(viewers.desc(), _work).limit(most)))


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
    """What can be played of works at a moment: media that viewers see, and find below what they see."""
    season = titles.alias("season")
    seasons = select(season.c.title_id).where(season.c.parent_id.in_(work_ids))
    own, direct = titles.c.title_id.in_(work_ids), titles.c.parent_id.in_(work_ids)
    chosen = or_(own, direct, titles.c.parent_id.in_(seasons))
    line = (titles, _above, _top)
    plan_id = func.coalesce(*(func.nullif(each.c.plan_id, _no_title) for each in line), _no_title)
    query = select(_work, plan_id, *(func.coalesce(each.c.tags, "[]") for each in line)).distinct()
    query = query.select_from(titles.outerjoin(_above, _beneath).outerjoin(_top, _top.c.title_id == _work))
    found = or_(_above.c.title_id.is_(None), visible(now, _above))
    rows = await connection.execute(query.where(chosen, visible(now), found, titles.c.asset_id != ""))
    return [Part(work_id, needed, tuple(tags)) for work_id, needed, *tags in rows]


async def newest(connection: Connection, before: str, most: int, now: float) -> list[str]:
    """Up to `most` films and series that viewers see, older than the title `before` (empty: all), newest first."""
    query = select(titles.c.title_id).where(titles.c.kind.not_in(("season", "episode")), visible(now))
    query = query.where(titles.c.title_id < before) if before else query
    return list(await connection.scalars(query.order_by(titles.c.title_id.desc()).limit(most)))


async def version(connection: Connection) -> str:
    """The version of what was learnt last; empty before the first time."""
    query = select(recommendation_models.c.version).order_by(recommendation_models.c.version.desc())
    return str(await connection.scalar(query) or "")


async def learnt_from(connection: Connection) -> tuple[int, int]:
    """From how many accounts and works was learnt what was learnt last."""
    row = (await connection.execute(select(recommendation_models.c.accounts, recommendation_models.c.titles))).first()
    return (0, 0) if row is None else (row.accounts, row.titles)


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
