"""A catalogue of any size for the benchmark: titles of words as frequent as those of a language, written in bulk."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from control.database import Connection
from control.database.engine import open_database
from control.database.tables import title_labels, title_texts, titles
from control.database.titles import Title, labels, row, texts
from control.database.words import words
from matinee.settings import DatabaseSettings

SEED = 4
BATCH = 20_000
VOCABULARY = 40_000
GENRES = (
    *("Drama", "Comedy", "Documentary", "Thriller", "Action", "Romance", "Crime", "Horror", "Adventure", "Fantasy"),
    *("Mystery", "Family", "Animation", "War", "History", "Music", "Western", "Sport", "Noir", "Biography"),
)
LANGUAGES = ("eng", "deu", "fra", "spa", "ita", "jpn", "kor", "hin", "por", "zho")
AGES = (0, 6, 12, 16, 18)
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "an")
LONGEST_SECONDS = 600
"""Of a batch."""
SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def word(rank: int) -> str:
    """The word of a rank; the first are the most frequent, and short."""
    text = ""
    while rank or not text:
        rank, digit = divmod(rank, len(SYLLABLES))
        text += SYLLABLES[digit]
    return text


async def fill(url: str, count: int) -> int:
    """Write so many published titles into an empty database, each found like any other; gives its size in bytes."""
    database = await open_database(url, DatabaseSettings(statement_seconds=LONGEST_SECONDS))
    async with database.write() as connection, _words_indexed_at_once(connection):
        for batch in _batches(count):
            await _write(connection, batch)
    await database.close()
    async with create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("VACUUM ANALYZE"))  # which it does by itself in a while
        return int(await connection.scalar(text(SIZE[connection.dialect.name])))


@asynccontextmanager
async def _words_indexed_at_once(connection: Connection) -> AsyncIterator[None]:
    """SQLite's index of words is made in the end, which takes a third of the time."""
    if connection.dialect.name != "sqlite":
        yield
        return
    triggers = (await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))).all()
    for name, _ in triggers:
        await connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    await connection.exec_driver_sql("INSERT INTO title_search(title_search) VALUES ('rebuild')")
    for _, sql in triggers:
        await connection.exec_driver_sql(sql)


async def _write(connection: Connection, batch: Sequence[Title]) -> None:
    await connection.execute(insert(titles), [row(title) for title in batch])
    labelled = [
        {"kind": kind, "label": label, "title_id": title.title_id}
        for title in batch
        for kind, label in sorted(labels(title))
    ]
    await connection.execute(insert(title_labels), labelled)
    await connection.execute(insert(title_texts), [_searched(title) for title in batch])


def _searched(title: Title) -> dict[str, str]:
    name, rest = (" ".join(words(told)) for told in texts(title))
    return {"title_id": title.title_id, "name": name, "rest": rest}


def _batches(count: int) -> Iterator[list[Title]]:
    random = np.random.default_rng(SEED)
    vocabulary = [word(rank) for rank in range(VOCABULARY)]
    frequency = 1 / np.arange(3, VOCABULARY + 3)
    frequency /= frequency.sum()
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        drawn = random.choice(VOCABULARY, (size, 34), p=frequency)
        lengths, picks = random.integers(1, 5, size), random.random((size, 8))
        yield [
            _title(first + number, [vocabulary[rank] for rank in drawn[number]], int(lengths[number]), picks[number])
            for number in range(size)
        ]


def _title(
    number: int, drawn: Sequence[str], length: int, picks: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> Title:
    genres = {GENRES[int(pick * pick * len(GENRES))] for pick in picks[:2]}
    return Title(
        title_id=f"{number:026d}",
        name=" ".join(drawn[:length]).title(),
        created_at=float(number),
        synopsis=" ".join(drawn[4:30]),
        published=True,
        published_at=float(number),
        asset_id="a" * 26,
        duration_seconds=5400.0,
        width=1920,
        height=1080,
        audio_languages=(LANGUAGES[int(picks[2] ** 3 * len(LANGUAGES))],),
        genres=tuple(sorted(genres)),
        tags=tuple(sorted(set(drawn[30:32]))),
        year=1920 + int(picks[3] ** 0.5 * 107),
        cast=((f"{drawn[32]} {drawn[33]}".title(), "director"),),
        minimum_age=AGES[int(picks[4] * len(AGES))],
    )
