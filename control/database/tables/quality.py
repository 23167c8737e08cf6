"""How well playback sessions played."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, String, Table, Text

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
    Column("dropped_frames", Integer, nullable=False, server_default="0"),
)
"""It outlives its session. `day` is that of the first report, in days since 1970 (UTC); `experience` is all that
further reports are added to."""

quality_days = Table(
    "quality_days",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True, index=True),
    Column("played_ms", BigInteger, nullable=False),
    Column("rebuffered_ms", BigInteger, nullable=False),
    Column("kilobits", BigInteger, nullable=False),
    Column("rated_ms", BigInteger, nullable=False),
    Column("sessions", BigInteger, nullable=False, server_default="0"),
    Column("stalls", BigInteger, nullable=False, server_default="0"),
    Column("exits", BigInteger, nullable=False, server_default="0"),
    Column("failures", BigInteger, nullable=False, server_default="0"),
    Column("dropped_frames", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""The sums of the sessions of a title and a day; under no title those of all. `rated_ms` is the part of `played_ms` of
which the bitrate is known; `exits` and `failures` are sessions that ended before the first picture."""

startup_days = Table(
    "startup_days",
    metadata,
    Column("title_id", Id, primary_key=True),
    Column("day", Integer, primary_key=True, index=True),
    Column("step", Integer, primary_key=True),
    Column("sessions", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many sessions of a title and a day took how long to start; under no title those of all."""
