"""How well playback sessions played."""

from sqlalchemy import Boolean, Column, Double, Index, Integer, String, Table, Text

from control.database.tables.metadata import Id, metadata

playback_quality = Table(
    "playback_quality",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("title_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    Column("asset_id", Id, nullable=False),
    Column("day", Integer, nullable=False, index=True),
    Column("startup_seconds", Double),
    Column("played_seconds", Double, nullable=False),
    Column("rebuffer_seconds", Double, nullable=False),
    Column("stalls", Integer, nullable=False),
    Column("average_bitrate", Double, nullable=False),
    Column("rung_changes", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("ended", String(16), nullable=False),
    Column("experience", Text, nullable=False),
    Index("ix_playback_quality_title_id", "title_id", "day"),
)
"""It outlives its session. `day` is that of the first report, in days since 1970 (UTC); `experience` is all that
further reports are added to."""
