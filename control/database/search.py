"""Full-text search over titles: every word must occur, and the last one may be a beginning.

The best matches come first, in ranks: titles whose name is what was asked for, then those that have every word in their
name, then those that have them anywhere; within a rank the newest first. So the order follows the index, and a page is
as quick after 300,000 hits as after three, which no weighing of every hit could be. SQLite's FTS5 finds the words, and
PostgreSQL by the lexemes of a `tsvector`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    and_,
    cast,
    column,
    insert,
    literal_column,
    not_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql import ColumnElement

from control.database.engine import Connection
from control.database.tables import title_texts, titles
from control.database.words import words

MOST_WORDS = 12
"""Of a query; what comes after them is not asked for."""
MOST_HITS = 1_000
"""How many hits are looked at for a page, however many of them may not be seen."""
CHUNK = 125
NEWEST = 2**62

_fts5 = table("title_search", column("rowid", Integer))


class Rank(IntEnum):
    """How well a title fits, best first."""

    NAMED = 0
    IN_NAME = 1
    ANYWHERE = 2


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: at a rank, after a document."""

    rank: Rank = Rank.NAMED
    before: int = NEWEST


@dataclass(frozen=True, slots=True)
class Hits:
    """The ids of a page's titles in order, and where the next page begins; None after the last hit."""

    title_ids: list[str]
    following: Position | None


async def enter(connection: Connection, title_id: str, name: str, rest: str) -> None:
    """Have a title found by the words of its name and of the rest; nothing is written when they are known."""
    values = {"name": " ".join(words(name)), "rest": " ".join(words(rest))}
    mine = title_texts.c.title_id == title_id
    known = (await connection.execute(select(title_texts.c.name, title_texts.c.rest).where(mine))).mappings().first()
    if known is None:
        await connection.execute(insert(title_texts).values(title_id=title_id, **values))
    elif dict(known) != values:
        await connection.execute(update(title_texts).where(mine).values(values))


async def page(
    connection: Connection, query: str, position: Position, size: int, allowed: ColumnElement[bool] | None
) -> Hits:
    """Up to `size` titles that a query finds, of those that are `allowed`. A query without words finds nothing.

    A page is shorter than `size` when MOST_HITS were looked at before it was full.
    """
    asked, found, looked_at = words(query), list[str](), 0
    while asked and looked_at < MOST_HITS:
        hits = list(await connection.scalars(_hits(connection.dialect.name, asked, position)))
        looked_at += len(hits)
        seen = await _seen(connection, hits, allowed)
        for document in hits:
            found += seen.get(document, [])
            if len(found) == size:
                return Hits(found, Position(position.rank, document))
        if len(hits) == CHUNK:
            position = Position(position.rank, hits[-1])
        elif position.rank is Rank.ANYWHERE:
            return Hits(found, None)
        else:
            position = Position(Rank(position.rank + 1))
    return Hits(found, position if asked else None)


async def _seen(
    connection: Connection, documents: list[int], allowed: ColumnElement[bool] | None
) -> dict[int, list[str]]:
    """Of these documents those whose titles are allowed, each with its title."""
    query = select(title_texts.c.document, title_texts.c.title_id).where(title_texts.c.document.in_(documents))
    if allowed is not None:
        query = query.join(titles, titles.c.title_id == title_texts.c.title_id).where(allowed)
    return {document: [title_id] for document, title_id in await connection.execute(query)}


def _hits(dialect: str, asked: list[str], position: Position) -> Select[int]:
    """The next documents of a rank, newest first."""
    whole = " ".join(asked)
    fts5 = dialect == "sqlite" and position.rank is not Rank.NAMED
    document = _fts5.c.rowid if fts5 else title_texts.c.document
    query = select(document).where(document < position.before).order_by(document.desc()).limit(CHUNK)
    if position.rank is Rank.NAMED:
        return query.where(title_texts.c.name == whole)
    query = query.where(_matching_fts5(asked, position.rank) if fts5 else _matching_lexemes(asked, position.rank))
    if position.rank is Rank.ANYWHERE:
        return query
    query = query.join(title_texts, title_texts.c.document == document) if fts5 else query
    return query.where(title_texts.c.name != whole)


def _matching_fts5(asked: list[str], rank: Rank) -> ColumnElement[bool]:
    """What FTS5 is asked (its manual, 3): words in quotation marks, which are nothing else than words then."""
    *before, last = _distinct(asked)
    every = " AND ".join([*(f'"{word}"' for word in before), f'"{last}" *'])
    in_name = f"name : ({every})"
    expression = in_name if rank is Rank.IN_NAME else f"({every}) NOT {in_name}"
    return literal_column("title_search").op("MATCH", is_comparison=True)(expression)


def _matching_lexemes(asked: list[str], rank: Rank) -> ColumnElement[bool]:
    """What PostgreSQL is asked (its manual, 8.11.2): words in quotation marks, which are lexemes as they are then."""
    *before, last = _distinct(asked)
    every = cast(" & ".join([*(f"'{word}'" for word in before), f"'{last}':*"]), TSQUERY)
    in_name = _lexemes("title_texts.name").bool_op("@@")(every)
    anywhere = _lexemes("btrim(title_texts.name || ' ' || title_texts.rest)").bool_op("@@")(every)
    return in_name if rank is Rank.IN_NAME else and_(anywhere, not_(in_name))


def _lexemes(words: str) -> ColumnElement[Any]:
    """The lexemes of a text, in the very words of the indexes."""
    return literal_column(f"array_to_tsvector(string_to_array({words}, ' '))")


def _distinct(asked: list[str]) -> list[str]:
    return list(dict.fromkeys(asked))[:MOST_WORDS]
