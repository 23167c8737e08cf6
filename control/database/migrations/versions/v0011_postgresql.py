"""PostgreSQL beside SQLite: there the words of titles have an index."""

from alembic import op

revision = "v0011"
down_revision = "v0010"


def upgrade() -> None:
    """Do in PostgreSQL what SQLite has already."""
    if op.get_bind().dialect.name == "postgresql":
        _index_words()


def _index_words() -> None:
    """Texts are folded and cut into words already: each word is a lexeme as it is."""
    for name, words in {"name": "name", "words": "btrim(name || ' ' || rest)"}.items():
        lexemes = f"array_to_tsvector(string_to_array({words}, ' '))"
        op.execute(f"CREATE INDEX title_search_{name} ON title_texts USING gin ({lexemes})")
