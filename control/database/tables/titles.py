"""Titles, and the objects that none of them needs any more."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, String, Table, Text

from control.database.tables.metadata import Id, metadata

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
    Index("ix_titles_published", "published", "title_id"),
)
"""`size_bytes` is what all objects of the asset take in the store; no contract shows it yet."""

removals = Table(
    "removals",
    metadata,
    Column("prefix", String(200), primary_key=True),
    Column("created_at", Double, nullable=False),
)
"""Objects that no title needs any more, until the store has removed them."""
