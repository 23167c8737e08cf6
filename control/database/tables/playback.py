"""Playback sessions, the devices they are on, and what edges must hear."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table

from control.database.tables.metadata import Id, metadata

playback_sessions = Table(
    "playback_sessions",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False),
    Column("asset_id", Id, nullable=False),
    Column("device", String(100), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
    Column("device_id", String(64), nullable=False),
    Column("login_id", Id, nullable=False, index=True),
    Column("max_height", Integer, nullable=False),
    Column("review_at", Double),
    Column("state", String(16), nullable=False),
    Column("position_seconds", Double, nullable=False),
    Column("stretch_began_at", Double),
    Column("played", Boolean, nullable=False),
    Column("told_at", Double),
    Column("sought", Boolean, nullable=False),
    Column("duration_seconds", Double, nullable=False),
    Index("ix_playback_sessions_account", "account_id", "state"),
    Index("ix_playback_sessions_seen", "state", "last_seen_at"),
    Index("ix_playback_sessions_review", "state", "review_at"),
    Index("ix_playback_sessions_told", "account_id", "title_id", "told_at"),
)
"""Playback sessions, until their URLs expire; a stopped one is kept so that whoever asks learns what became of it."""

devices = Table(
    "devices",
    metadata,
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), primary_key=True),
    Column("device_id", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("first_used_at", Double, nullable=False),
    Column("last_used_at", Double, nullable=False),
)

announcements = Table(
    "announcements",
    metadata,
    Column("announcement_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("subject_id", String(26), nullable=False, index=True),
    Column("reason", String(200), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""What every control must tell at once.

Edges hear of a playback session that has ended or may have less or more, and of a new signing key; pages of an end, of
a seek, of an account with one sign-in, one device or one title less, and of a title that is shown no more.
"""
