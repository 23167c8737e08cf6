"""The control plane's catalogue: what titles tell of themselves, versions of their media, labels and search."""

import sqlalchemy as sa
from alembic import op

from control.database.words import sort_key, words

revision = "v0004"
down_revision = "v0003"

INDEXES = {
    "kind": ["kind", "title_id"],
    "parent": ["parent_id", "number", "title_id"],
    "name": ["name_key", "title_id"],
    "year": ["year", "title_id"],
    "number": ["number", "title_id"],
}
MEDIA = "asset_id, title_id, duration_seconds, width, height, audio_languages, size_bytes, created_at"


def upgrade() -> None:
    """Widen the titles, create what belongs to them, and enter the titles that there are."""
    _widen_titles()
    _create_assets()
    _create_labels()
    _create_texts()
    if op.get_bind().dialect.name == "sqlite":
        _create_index_of_words()
    _enter_titles()


def _widen_titles() -> None:
    for column in (
        sa.Column("kind", sa.String(length=8), nullable=False, server_default="film"),
        sa.Column("parent_id", sa.String(length=26), nullable=False, server_default=""),
        sa.Column("number", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("year", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("minimum_age", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("available_from", sa.Double(), nullable=True),
        sa.Column("available_until", sa.Double(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("original_language", sa.String(length=3), nullable=False, server_default=""),
        sa.Column("rating", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("plan_id", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("poster_version", sa.String(length=26), nullable=False, server_default=""),
        sa.Column("poster_width", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("backdrop_version", sa.String(length=26), nullable=False, server_default=""),
        sa.Column("backdrop_width", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("genres", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("tags", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("cast", sa.Text(), nullable=False, server_default="[]"),
    ):
        op.add_column("titles", column)
    for name, columns in INDEXES.items():
        op.create_index(f"ix_titles_{name}", "titles", columns)


def _create_assets() -> None:
    op.create_table(
        "assets",
        sa.Column("asset_id", sa.String(length=26), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("audio_languages", sa.String(length=400), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_assets_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", name="pk_assets"),
    )
    op.create_index(op.f("ix_assets_title_id"), "assets", ["title_id"])


def _create_labels() -> None:
    op.create_table(
        "title_labels",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_title_labels_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("kind", "label", "title_id", name="pk_title_labels"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_title_labels_title_id"), "title_labels", ["title_id"])


def _create_texts() -> None:
    op.create_table(
        "title_texts",
        sa.Column("document", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_title_texts_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document", name="pk_title_texts"),
        sa.UniqueConstraint("title_id", name="uq_title_texts_title_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_title_texts_name", "title_texts", ["name", "document"])


def _create_index_of_words() -> None:
    """An FTS5 index over the texts, without a copy of them, which triggers keep.

    The words come folded and cut already, so the tokenizer that changes least is right. Beginnings of up to four
    letters have lists of their own, because merging those of every word that begins so would take long.
    """
    op.execute(
        "CREATE VIRTUAL TABLE title_search USING fts5(name, rest, content='title_texts', content_rowid='document',"
        " tokenize='ascii', detail='column', prefix='1 2 3 4')"
    )
    add = "INSERT INTO title_search(rowid, name, rest) VALUES (new.document, new.name, new.rest);"
    remove = (
        "INSERT INTO title_search(title_search, rowid, name, rest) VALUES ('delete', old.document, old.name, old.rest);"
    )
    op.execute(f"CREATE TRIGGER title_texts_added AFTER INSERT ON title_texts BEGIN {add} END")
    op.execute(f"CREATE TRIGGER title_texts_removed AFTER DELETE ON title_texts BEGIN {remove} END")
    op.execute(f"CREATE TRIGGER title_texts_changed AFTER UPDATE ON title_texts BEGIN {remove} {add} END")


def _enter_titles() -> None:
    connection = op.get_bind()
    connection.execute(sa.text(f"INSERT INTO assets ({MEDIA}) SELECT {MEDIA} FROM titles WHERE asset_id != ''"))  # noqa: S608
    known = connection.execute(sa.text("SELECT title_id, name, synopsis, audio_languages FROM titles")).all()
    for title_id, name, synopsis, languages in known:
        connection.execute(
            sa.text("UPDATE titles SET name_key = :key WHERE title_id = :id"), {"key": sort_key(name), "id": title_id}
        )
        connection.execute(
            sa.text("INSERT INTO title_texts (title_id, name, rest) VALUES (:id, :name, :rest)"),
            {"id": title_id, "name": " ".join(words(name)), "rest": " ".join(words(synopsis))},
        )
        for language in set(filter(None, languages.split(","))):
            connection.execute(
                sa.text("INSERT INTO title_labels (kind, label, title_id) VALUES ('language', :language, :id)"),
                {"language": language, "id": title_id},
            )
