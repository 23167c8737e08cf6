"""Brings the tables up to date with the revisions in `migrations/`, which the wheel carries."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, String, Text, text

from matinee.errors import InvalidInput

MIGRATIONS = Path(__file__).parent / "migrations"
TEXTS = """
    SELECT table_name, column_name, character_maximum_length FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text')
    AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'
"""


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every revision that the database lacks, up to one, in the connection's transaction.

    Raises `InvalidInput` for a database that has revisions which are not here.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    _check_age(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, revision)
    if connection.dialect.name == "postgresql":
        _compare_bytes(connection)


def _check_age(connection: Connection, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if not known.issuperset(MigrationContext.configure(connection).get_current_heads()):
        raise InvalidInput("the database was changed by a newer Matinee: use that, or restore a backup from before")


def _compare_bytes(connection: Connection) -> None:
    """Have PostgreSQL compare and order texts byte by byte, as SQLite does: those that a revision adds, too."""
    connection.exec_driver_sql("CLOSE ALL")  # what a revision has read to its end still holds the table
    for table, column, length in connection.execute(text(TEXTS)).all():
        kind = (Text() if length is None else String(length)).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')
