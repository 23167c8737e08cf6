"""Titles as they are stored, with the labels and the words by which they are found."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import FromClause, RowMapping, and_, delete, exists, false, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from control.database import search, statistics
from control.database.engine import Connection
from control.database.tables import title_labels, titles
from control.database.words import label, sort_key

COLUMNS = [column for column in titles.columns if column.name != "name_key"]
LABELS = {"genre": "genres", "tag": "tags", "language": "audio_languages"}
"""The kinds of labels, and where titles have them."""


@dataclass(frozen=True, slots=True)
class Title:
    """A catalogue entry. `kind` is one of film, series, season and episode; `parent_id` what it belongs to, or empty.

    What comes from media is a copy of the active asset's, whose id is empty while there is none. `audio_languages` are
    ISO 639-2 codes, lengths are in seconds, `cast` are pairs of a name and a role. A picture that was uploaded has a
    version and the width of its largest size.
    """

    title_id: str
    name: str
    created_at: float
    synopsis: str = ""
    published: bool = False
    asset_id: str = ""
    duration_seconds: float = 0.0
    width: int = 0
    height: int = 0
    audio_languages: tuple[str, ...] = ()
    size_bytes: int = 0
    published_at: float | None = None
    kind: str = "film"
    parent_id: str = ""
    number: int = 0
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    year: int = 0
    original_language: str = ""
    cast: tuple[tuple[str, str], ...] = ()
    rating: str = ""
    minimum_age: int = 0
    available_from: float | None = None
    available_until: float | None = None
    plan_id: str = ""
    poster_version: str = ""
    poster_width: int = 0
    backdrop_version: str = ""
    backdrop_width: int = 0


async def add(connection: Connection, title: Title) -> None:
    """Record a new title."""
    await connection.execute(insert(titles).values(row(title)))
    await _index(connection, title)


async def save(connection: Connection, title: Title) -> None:
    """Record what has become of a title."""
    await connection.execute(update(titles).where(titles.c.title_id == title.title_id).values(row(title)))
    await _index(connection, title)


async def remove(connection: Connection, title_id: str) -> None:
    """Forget a title, its assets, its jobs, its playback sessions and its plays."""
    await connection.execute(delete(titles).where(titles.c.title_id == title_id))
    await statistics.forget_title(connection, title_id)


async def find(connection: Connection, title_id: str, *, lock: bool = False) -> Title | None:
    """A title; with `lock` nobody else changes it before this transaction ends."""
    query = select(*COLUMNS).where(titles.c.title_id == title_id)
    found = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if found is None else made(found)


async def keep(connection: Connection, title_id: str) -> Title | None:
    """A title, which nobody removes or changes before this transaction ends; others may keep it too."""
    query = select(*COLUMNS).where(titles.c.title_id == title_id).with_for_update(read=True, key_share=True)
    found = (await connection.execute(query)).mappings().first()
    return None if found is None else made(found)


async def among(connection: Connection, title_ids: Iterable[str]) -> dict[str, Title]:
    """Those of these titles that there are, by their ids."""
    rows = await connection.execute(select(*COLUMNS).where(titles.c.title_id.in_(list(title_ids))))
    return {found["title_id"]: made(found) for found in rows.mappings()}


async def children(connection: Connection, title_id: str, *, lock: bool = False) -> list[Title]:
    """What belongs to a series or a season, in order; with `lock` nobody changes it before this transaction ends."""
    query = select(*COLUMNS).where(titles.c.parent_id == title_id).order_by(titles.c.number, titles.c.title_id)
    rows = await connection.execute(query.with_for_update() if lock else query)
    return [made(found) for found in rows.mappings()]


async def above(connection: Connection, title: Title) -> list[Title]:
    """What a title belongs to, the nearest first: a season, a series."""
    found: list[Title] = []
    while title.parent_id and (parent := await find(connection, title.parent_id)) is not None:
        found.append(parent)
        title = parent
    return found


async def closed(connection: Connection, after: float, until: float) -> list[str]:
    """The ids of published titles whose window has ended later than `after`, and by `until`."""
    ended = and_(titles.c.available_until > after, titles.c.available_until <= until, titles.c.published)
    return list(await connection.scalars(select(titles.c.title_id).where(ended).order_by(titles.c.title_id)))


async def any_of_plan(connection: Connection, plan_id: str) -> bool:
    """Whether any title needs a plan."""
    return bool(await connection.scalar(select(exists().where(titles.c.plan_id == plan_id))))


def visible(now: float, of: FromClause = titles) -> ColumnElement[bool]:
    """Which titles viewers see at a moment: published, and within their window.

    Nearly all are, so it is said in a way that enters no index.
    """
    return and_(
        of.c.published.is_not(false()),
        or_(of.c.available_from.is_(None), of.c.available_from <= now),
        or_(of.c.available_until.is_(None), of.c.available_until > now),
    )


def row(title: Title) -> dict[str, Any]:
    """A title as the table has it."""
    lists = {name: json.dumps(getattr(title, name), ensure_ascii=False) for name in ("genres", "tags", "cast")}
    languages = ",".join(title.audio_languages)
    return {**asdict(title), **lists, "audio_languages": languages, "name_key": sort_key(title.name)}


def made(found: RowMapping) -> Title:
    """A title from its row, which may have more."""
    return Title(
        **{
            **{column.name: found[column.name] for column in COLUMNS},
            "audio_languages": tuple(filter(None, found["audio_languages"].split(","))),
            "genres": tuple(json.loads(found["genres"])),
            "tags": tuple(json.loads(found["tags"])),
            "cast": tuple((name, role) for name, role in json.loads(found["cast"])),
        }
    )


def labels(title: Title) -> set[tuple[str, str]]:
    """The labels that a title is found by, each with its kind; what folds to nothing is none."""
    pairs = {(kind, label(text)) for kind, field in LABELS.items() for text in getattr(title, field)}
    return {(kind, text) for kind, text in pairs if text}


def texts(title: Title) -> tuple[str, str]:
    """What is searched of a title: its name, and all else that is told of it."""
    rest = [title.synopsis, *title.genres, *title.tags, *(text for member in title.cast for text in member)]
    return title.name, "\n".join(rest)


async def _index(connection: Connection, title: Title) -> None:
    """Have the title found by what it is now; what has not changed is not written again."""
    await search.enter(connection, title.title_id, *texts(title))
    mine, wanted = title_labels.c.title_id == title.title_id, labels(title)
    rows = await connection.execute(select(title_labels.c.kind, title_labels.c.label).where(mine))
    known = {(kind, text) for kind, text in rows}
    for kind, text in known - wanted:
        one = and_(title_labels.c.kind == kind, title_labels.c.label == text, mine)
        await connection.execute(delete(title_labels).where(one))
    if fresh := [_label_row(title.title_id, kind, text) for kind, text in sorted(wanted - known)]:
        await connection.execute(insert(title_labels), fresh)


def _label_row(title_id: str, kind: str, text: str) -> Mapping[str, str]:
    return {"kind": kind, "label": text, "title_id": title_id}
