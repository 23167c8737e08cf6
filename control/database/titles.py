"""Titles as they are stored."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from control.database.engine import Connection
from control.database.tables import titles


@dataclass(frozen=True, slots=True)
class Title:
    """A catalogue entry. A draft has no asset yet; `audio_languages` are ISO 639-2 codes, lengths are in seconds."""

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


async def add(connection: Connection, title: Title) -> None:
    """Record a new title."""
    await connection.execute(insert(titles).values(_row(title)))


async def save(connection: Connection, title: Title) -> None:
    """Record what has become of a title."""
    await connection.execute(update(titles).where(titles.c.title_id == title.title_id).values(_row(title)))


async def remove(connection: Connection, title_id: str) -> None:
    """Forget a title, its jobs and its playback sessions."""
    await connection.execute(delete(titles).where(titles.c.title_id == title_id))


async def find(connection: Connection, title_id: str, *, lock: bool = False) -> Title | None:
    """A title; with `lock` nobody else changes it before this transaction ends."""
    query = select(titles).where(titles.c.title_id == title_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else _made(row)


async def page(connection: Connection, before: str, size: int, *, drafts: bool) -> list[Title]:
    """Up to `size` titles older than the id `before` (empty: all), newest first; drafts only if asked."""
    query = select(titles).order_by(titles.c.title_id.desc()).limit(size)
    if before:
        query = query.where(titles.c.title_id < before)
    if not drafts:
        query = query.where(titles.c.published)
    return [_made(row) for row in (await connection.execute(query)).mappings()]


def _row(title: Title) -> dict[str, Any]:
    return {**asdict(title), "audio_languages": ",".join(title.audio_languages)}


def _made(row: RowMapping) -> Title:
    languages = tuple(filter(None, row["audio_languages"].split(",")))
    return Title(**{**row, "audio_languages": languages})
