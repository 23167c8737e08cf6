"""Titles, the versions of their media, what they are found by, and the objects that none of them needs any more."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, text

from control.database.tables.metadata import Id, metadata

_WINDOWED = text("available_until IS NOT NULL")

titles = Table(
    "titles",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("synopsis", Text, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("asset_id", Id, nullable=False),
    Column("duration_seconds", Double, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("audio_languages", String(400), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("published_at", Double),
    Column("kind", String(8), nullable=False),
    Column("parent_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("year", Integer, nullable=False),
    Column("minimum_age", Integer, nullable=False),
    Column("available_from", Double),
    Column("available_until", Double),
    Column("name_key", Text, nullable=False),
    Column("original_language", String(3), nullable=False),
    Column("rating", String(20), nullable=False),
    Column("plan_id", String(64), nullable=False),
    Column("poster_version", Id, nullable=False),
    Column("poster_width", Integer, nullable=False),
    Column("backdrop_version", Id, nullable=False),
    Column("backdrop_width", Integer, nullable=False),
    Column("genres", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("cast", Text, nullable=False),
    Index("ix_titles_published", "published", "title_id"),
    Index("ix_titles_kind", "kind", "title_id"),
    Index("ix_titles_parent", "parent_id", "number", "title_id"),
    Index("ix_titles_name", "name_key", "title_id"),
    Index("ix_titles_year", "year", "title_id"),
    Index("ix_titles_number", "number", "title_id"),
    Index("ix_titles_until", "available_until", postgresql_where=_WINDOWED, sqlite_where=_WINDOWED),
)
"""What comes from media is a copy of the active asset's. Genres, tags and cast are JSON, as they are shown."""

assets = Table(
    "assets",
    metadata,
    Column("asset_id", Id, primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("duration_seconds", Double, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("audio_languages", String(400), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
)
"""Every version of a title's media; `size_bytes` is what all objects of it take in the store."""

title_labels = Table(
    "title_labels",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("label", String(200), primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Genres, tags and languages of titles, folded, in the order in which lists of one of them are read."""

title_texts = Table(
    "title_texts",
    metadata,
    Column("document", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("rest", Text, nullable=False),
    Index("ix_title_texts_name", "name", "document"),
    sqlite_autoincrement=True,
)
"""The folded words of titles, which are searched; `document` grows with time. The index over them follows by itself."""

premieres = Table(
    "premieres",
    metadata,
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), primary_key=True),
)
"""Titles that will be announced when viewers see them: published, but before their window of availability."""

removals = Table(
    "removals",
    metadata,
    Column("prefix", String(200), primary_key=True),
    Column("created_at", Double, nullable=False),
)
"""Objects that no title needs any more, until the store has removed them."""
