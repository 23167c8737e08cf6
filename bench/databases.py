"""The database of a benchmark: SQLite, or a PostgreSQL that is started for it."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tests.databases import sqlite_url
from tests.services.postgresql import postgresql


def database(folder: Path, *, on_postgresql: bool) -> AbstractContextManager[str]:
    """An empty one in a folder, by its URL, as long as the context lasts."""
    return postgresql(folder / "postgresql") if on_postgresql else nullcontext(sqlite_url(folder / "matinee.db"))
