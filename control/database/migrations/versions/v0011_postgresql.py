"""PostgreSQL beside SQLite: texts are compared byte by byte in both, and the words of titles have an index."""

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"

TEXTS = """
    SELECT table_name, column_name, character_maximum_length FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text')
    AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'
"""


def upgrade() -> None:
    """Do in PostgreSQL what SQLite has already."""
    if op.get_bind().dialect.name == "postgresql":
        _compare_bytes()
        _index_words()


def _compare_bytes() -> None:
    op.execute("CLOSE ALL")  # what an earlier revision has read to its end still holds the table
    for table, column, length in op.get_bind().execute(sa.text(TEXTS)).all():
        kind = sa.Text() if length is None else sa.String(length)
        compiled = kind.compile(dialect=op.get_bind().dialect)
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE {compiled} COLLATE "C"')


def _index_words() -> None:
    """Texts are folded and cut into words already: each word is a lexeme as it is."""
    for name, words in {"name": "name", "words": "btrim(name || ' ' || rest)"}.items():
        lexemes = f"array_to_tsvector(string_to_array({words}, ' '))"
        op.execute(f"CREATE INDEX title_search_{name} ON title_texts USING gin ({lexemes})")
