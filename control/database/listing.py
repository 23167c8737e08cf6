"""Lists of titles: filters, orders, and pages that follow each other by key.

A page costs the same in a catalogue of any size. The titles are read in their order until the page is full, but no
further than HORIZON of them; where a filter leaves next to none, that is a page with less than was asked for, or
nothing, and the next page goes on from there. Where a filter alone has no more than FEW titles they are taken by it and
sorted, so that a season or a rare genre is whole on its first page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import FromClause, Select, and_, exists, func, not_, select, true, tuple_
from sqlalchemy.sql import ColumnElement

from control.database import postgresql
from control.database.engine import Connection
from control.database.tables import title_labels, titles
from control.database.titles import COLUMNS, Title, made, visible

HORIZON = 4_000
FEW = 1_000
LAST_YEAR = 10_000

Key = tuple[str | int, ...]
"""Where a title stands in an order: the values of its columns, of which the last is the id."""


class Order(Enum):
    """An order: its columns before the id, and whether it goes downwards."""

    NEWEST = ((), True)
    NAME = (("name_key",), False)
    YEAR = (("year",), True)
    NUMBER = (("number",), False)

    def __init__(self, columns: tuple[str, ...], descending: bool) -> None:
        self.columns = [titles.c[name] for name in (*columns, "title_id")]
        self.descending = descending

    def key(self, *values: str | int) -> "Key":
        """A key of this order. Raises `ValueError` for values that are none."""
        kinds = [column.type.python_type for column in self.columns]
        if [type(value) for value in values] != kinds:
            raise ValueError(values)
        return values


@dataclass(frozen=True, slots=True)
class Filter:
    """What titles must meet; whatever is empty or 0 is not asked for. Labels are folded (`words.label`)."""

    kind: str = ""
    genre: str = ""
    tag: str = ""
    language: str = ""
    parent_id: str = ""
    year_from: int = 0
    year_to: int = 0
    age: int = 0
    published: bool | None = None
    visible_at: float | None = None
    """Only what viewers see at that moment."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Titles in order, and the key after which the next page begins; None on the last page."""

    titles: list[Title]
    following: Key | None


async def page(connection: Connection, wanted: Filter, order: Order, after: Key | None, size: int) -> Listed:
    """Up to `size` titles that meet a filter, after a key of the order."""
    few = await _few(connection, wanted)
    walk, end = _Walk(wanted, order, after, few), None
    query = select(*COLUMNS, titles.c.name_key).select_from(walk.source).where(walk.after, *conditions(wanted))
    if few is None:
        end = await _end(connection, walk)
        if connection.dialect.name == "postgresql":
            await postgresql.avoid(connection, "sort")  # which it would do with all titles of a year
    if end is not None:
        query = query.where(not_(walk.past(end)))
    rows = (await connection.execute(query.order_by(*walk.ordering).limit(size + 1))).mappings().all()
    shown = [made(row) for row in rows[:size]]
    if len(rows) > size:
        return Listed(shown, tuple(rows[size - 1][column.name] for column in order.columns))
    return Listed(shown, end)


class _Walk:
    """How titles are read in an order: by which table, from where, and in which direction."""

    def __init__(self, wanted: Filter, order: Order, after: Key | None, few: Select[Any] | None) -> None:
        self._descending = order.descending
        self.columns: Sequence[ColumnElement[Any]] = order.columns
        self.source: FromClause = titles
        self.after: ColumnElement[bool] = true()
        self.bounds = _bounds(wanted, order)
        label = next(iter(_labels(wanted)), None)
        if few is not None:
            self.bounds, self.columns = [titles.c.title_id.in_(few)], [_unindexed(column) for column in order.columns]
        elif order is Order.NEWEST and label:  # the list of a label is in this order by itself
            of_label = title_labels.c.title_id == titles.c.title_id
            self.source, self.columns = title_labels.join(titles, of_label), [title_labels.c.title_id]
            self.bounds = [title_labels.c.kind == label[0], title_labels.c.label == label[1]]
        self.ordering = [column.desc() if self._descending else column.asc() for column in self.columns]
        if after is not None:
            self.after = self.past(after)
        self.after = and_(self.after, *self.bounds)

    def past(self, key: Key) -> ColumnElement[bool]:
        """Which titles come after a key."""
        columns, values = tuple_(*self.columns), tuple_(*key)
        return columns < values if self._descending else columns > values

    def end(self) -> Select[Any]:
        """The key at the horizon, from the index alone."""
        return select(*self.columns).where(self.after).order_by(*self.ordering).offset(HORIZON - 1).limit(1)


def conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    """What titles must meet, as SQL that enters no index: the order decides by which one they are read."""
    met = [_labelled(kind, label) for kind, label in _labels(wanted)]
    met += [_unindexed(titles.c[name]) == value for name, value in _equal(wanted)]
    met += _years(wanted, _unindexed(titles.c.year))
    if wanted.age:
        met.append(titles.c.minimum_age <= wanted.age)
    if wanted.published is not None:
        met.append(_unindexed(titles.c.published) == wanted.published)
    if wanted.visible_at is not None:
        met.append(visible(wanted.visible_at))
    return met


async def _few(connection: Connection, wanted: Filter) -> Select[Any] | None:
    """The ids of the titles that the narrowest part of a filter leaves, when they are few; else None."""
    same = titles.alias()
    parts = [_of_label(title_labels.alias(), kind, label) for kind, label in _labels(wanted)]
    parts += [select(same.c.title_id).where(same.c[name] == value) for name, value in _equal(wanted)]
    if years := _years(wanted, same.c.year):
        parts.append(select(same.c.title_id).where(*years))
    if wanted.published is False:
        parts.append(select(same.c.title_id).where(same.c.published == wanted.published))
    if not parts:
        return None
    counts = [select(func.count()).select_from(part.limit(FEW + 1).subquery()).scalar_subquery() for part in parts]
    sizes = (await connection.execute(select(*counts))).one()
    size, part = min(zip(sizes, parts, strict=True), key=lambda pair: pair[0])
    return part if size <= FEW else None


async def _end(connection: Connection, walk: _Walk) -> Key | None:
    row = (await connection.execute(walk.end())).first()
    return None if row is None else tuple(row)


def _labels(wanted: Filter) -> list[tuple[str, str]]:
    pairs = [("genre", wanted.genre), ("tag", wanted.tag), ("language", wanted.language)]
    return [(kind, label) for kind, label in pairs if label]


def _equal(wanted: Filter) -> list[tuple[str, str]]:
    pairs = [("kind", wanted.kind), ("parent_id", wanted.parent_id)]
    return [(name, value) for name, value in pairs if value]


def _years(wanted: Filter, year: ColumnElement[int]) -> list[ColumnElement[bool]]:
    if not (wanted.year_from or wanted.year_to):
        return []
    return [year.between(max(wanted.year_from, 1), wanted.year_to or LAST_YEAR)]


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, column)


def _bounds(wanted: Filter, order: Order) -> list[ColumnElement[bool]]:
    """The part of a filter by which the index of an order is entered."""
    if order is Order.YEAR:
        return _years(wanted, titles.c.year)
    return [titles.c.parent_id == wanted.parent_id] if order is Order.NUMBER and wanted.parent_id else []


def _of_label(table: FromClause, kind: str, label: str) -> Select[Any]:
    return select(table.c.title_id).where(table.c.kind == kind, table.c.label == label)


def _labelled(kind: str, label: str) -> ColumnElement[bool]:
    """Looked up title by title: the offset keeps PostgreSQL from reading all titles of the label instead."""
    other = title_labels.alias()
    return exists(_of_label(other, kind, label).where(other.c.title_id == titles.c.title_id).offset(0))
