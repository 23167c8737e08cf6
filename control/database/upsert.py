"""Rows that are written whether there are such already or not, many at once."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects import postgresql, sqlite

from control.database.engine import Connection

Insert = sqlite.Insert | postgresql.Insert
Row = dict[str, Any]


def insert(connection: Connection, table: Table) -> Insert:
    """An INSERT of this database, which can be told what to do about a row that is there."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def adding(made: Insert, table: Table) -> Insert:
    """Add to the row that is there, in all columns but its key."""
    return _changing(made, table, lambda column: column + made.excluded[column.name])


async def add(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write new rows. Fails when somebody else was quicker, whose row must not be lost."""
    if rows:
        await connection.execute(table.insert(), _ordered(table, rows))


async def put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows in the place of those with the same keys."""
    if rows:
        made = insert(connection, table)
        replacing = _changing(made, table, lambda column: made.excluded[column.name])
        await connection.execute(replacing, _ordered(table, rows))


async def add_up(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows to those with the same keys."""
    if rows:
        await connection.execute(adding(insert(connection, table), table), _ordered(table, rows))


def _ordered(table: Table, rows: Sequence[Row]) -> list[Row]:
    """Always in the order of their keys: so that writers do not wait for each other in a circle."""
    keys = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: tuple(row[key] for key in keys))


def _changing(made: Insert, table: Table, change: Callable[[Any], ColumnElement[Any]]) -> Insert:
    changes = {column.name: change(column) for column in table.columns if not column.primary_key}
    return made.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes)
