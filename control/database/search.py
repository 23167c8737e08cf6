"""Full-text search over titles: every word must occur, and the last one may be a beginning.

The best matches come first, in ranks: titles whose name is what was asked for, then those that have every word in their
name, then those that have them anywhere; within a rank the newest first. So the order follows the index, and a page is
as quick after 300,000 hits as after three, which no weighing of every hit could be.

SQLite's FTS5 reads its index in that order. PostgreSQL's GIN gives all hits or none, so the newest titles are read as
they are, which fills a page when hits are many, and the index is asked when they are few. Left to itself PostgreSQL
would choose by an estimate, and read a million titles for words that are frequent, but nowhere together.
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
    literal,
    literal_column,
    not_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql import ColumnElement

from control.database import postgresql
from control.database.engine import Connection
from control.database.tables import title_texts, titles
from control.database.words import words

MOST_WORDS = 12
"""Of a query; what comes after them is not asked for."""
MOST_HITS = 1_000
"""How many hits are looked at for a page, however many of them may not be seen."""
CHUNK = 125
"""How many are looked at together, when the first ones do not fill the page."""
SPARSE = 200
"""Where only one title in so many is a hit, PostgreSQL's index is quicker than to read the titles in their order."""
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
    asked, found, looked_at, chunk = words(query), list[str](), 0, size
    while asked and looked_at < MOST_HITS:
        hits = await _hits(connection, asked, position, chunk)
        looked_at += len(hits)
        seen = await _seen(connection, hits, allowed)
        for document in hits:
            found += seen.get(document, [])
            if len(found) == size:
                return Hits(found, Position(position.rank, document))
        if len(hits) == chunk:
            position, chunk = Position(position.rank, hits[-1]), CHUNK
        elif position.rank is Rank.ANYWHERE:
            return Hits(found, None)
        else:
            position, chunk = Position(Rank(position.rank + 1)), size
    return Hits(found, position if asked else None)


async def _seen(
    connection: Connection, documents: list[int], allowed: ColumnElement[bool] | None
) -> dict[int, list[str]]:
    """Of these documents those whose titles are allowed, each with its title."""
    query = select(title_texts.c.document, title_texts.c.title_id).where(title_texts.c.document.in_(documents))
    if allowed is not None:
        query = query.join(titles, titles.c.title_id == title_texts.c.title_id).where(allowed)
    return {document: [title_id] for document, title_id in await connection.execute(query)}


async def _hits(connection: Connection, asked: list[str], position: Position, most: int) -> list[int]:
    """The next documents of a rank, newest first."""
    if position.rank is Rank.NAMED:
        return list(await connection.scalars(_named(asked, position, most)))
    if connection.dialect.name == "sqlite":
        return list(await connection.scalars(_by_fts5(asked, position, most)))
    hits = list(await connection.scalars(_among_newest(asked, position, most)))
    if len(hits) < most:
        await postgresql.avoid(connection, "seqscan")
        hits = list(await connection.scalars(_by_lexemes(asked, position, most)))
    return hits


def _named(asked: list[str], position: Position, most: int) -> Select[int]:
    query = select(title_texts.c.document).where(title_texts.c.name == " ".join(asked))
    return _following(query, title_texts.c.document, position, most)


def _by_fts5(asked: list[str], position: Position, most: int) -> Select[int]:
    """What FTS5 is asked (its manual, 3): words in quotation marks, which are nothing else than words then."""
    *before, last = _distinct(asked)
    every = " AND ".join([*(f'"{word}"' for word in before), f'"{last}" *'])
    in_name = f"name : ({every})"
    query, expression = select(_fts5.c.rowid), f"({every}) NOT {in_name}"
    if position.rank is Rank.IN_NAME:
        expression, of_title = in_name, title_texts.c.document == _fts5.c.rowid
        query = query.join(title_texts, of_title).where(title_texts.c.name != " ".join(asked))
    matching = literal_column("title_search").op("MATCH", is_comparison=True)(expression)
    return _following(query.where(matching), _fts5.c.rowid, position, most)


def _among_newest(asked: list[str], position: Position, most: int) -> Select[int]:
    """Of the next titles in their order, however few of them are hits."""
    of_title = select(title_texts.c.document, title_texts.c.name, title_texts.c.rest)
    newest = _following(of_title, title_texts.c.document, position, SPARSE * most).subquery()
    every = _every(asked, newest.c.name if position.rank is Rank.IN_NAME else newest.c.name + " " + newest.c.rest)
    query = select(newest.c.document).where(every, _no_better(asked, position.rank, newest.c.name))
    return _following(query, newest.c.document, position, most)


def _by_lexemes(asked: list[str], position: Position, most: int) -> Select[int]:
    """By the index of words alone (PostgreSQL's manual, 8.11.2), and sorted then.

    Words in quotation marks are lexemes as they are, and what is searched is said in the very words of the indexes.
    """
    *before, last = _distinct(asked)
    every = cast(" & ".join([*(f"'{word}'" for word in before), f"'{last}':*"]), TSQUERY)
    searched = "name" if position.rank is Rank.IN_NAME else "btrim(name || ' ' || rest)"
    lexemes: ColumnElement[Any] = literal_column(f"array_to_tsvector(string_to_array({searched}, ' '))")
    query = select(title_texts.c.document, title_texts.c.name).where(lexemes.bool_op("@@")(every))
    hits = query.cte("hits").prefix_with("MATERIALIZED")
    better = _no_better(asked, position.rank, hits.c.name)
    return _following(select(hits.c.document).where(better), hits.c.document, position, most)


def _following(query: Select[Any], document: ColumnElement[int], position: Position, most: int) -> Select[Any]:
    return query.where(document < position.before).order_by(document.desc()).limit(most)


def _no_better(asked: list[str], rank: Rank, name: ColumnElement[str]) -> ColumnElement[bool]:
    """That a title of a rank is of none before it."""
    return name != " ".join(asked) if rank is Rank.IN_NAME else not_(_every(asked, name))


def _every(asked: list[str], text: ColumnElement[str]) -> ColumnElement[bool]:
    """That a text of folded words has all that is asked for; no word has anything in it that LIKE knows."""
    *before, last = _distinct(asked)
    patterns = [*(f"% {word} %" for word in before), f"% {last}%"]
    return and_(*((literal(" ") + text + " ").like(pattern) for pattern in patterns))


def _distinct(asked: list[str]) -> list[str]:
    return list(dict.fromkeys(asked))[:MOST_WORDS]
