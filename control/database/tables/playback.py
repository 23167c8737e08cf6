"""Playback sessions, and what edges must hear."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Integer, String, Table

from control.database.tables.metadata import Id, metadata

playback_sessions = Table(
    "playback_sessions",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("asset_id", Id, nullable=False),
    Column("device", String(100), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("last_seen_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)
"""Open playback sessions; one that has ended has no row."""

announcements = Table(
    "announcements",
    metadata,
    Column("announcement_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", String(26), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("created_at", Double, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""What every edge must hear at once: a playback session that ended, or, with no session, a new signing key."""
