"""The work on uploads, and the assets that it has begun."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, false

from control.database.tables.metadata import Id, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("title_id", Id, ForeignKey("titles.title_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("upload_id", String(64), nullable=False, unique=True),
    Column("account_id", Id, nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("progress", Double, nullable=False),
    Column("message", String(500), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fruitless", Integer, nullable=False),
    Column("progress_at_lease", Double, nullable=False),
    Column("fencing_token", BigInteger, nullable=False),
    Column("worker_id", String(128), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("source_key", Text, nullable=False, server_default=""),
    Column("draft", Boolean, nullable=False, server_default=false()),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("traceparent", String(64), nullable=False, server_default=""),
    Column("waits_since", Double),
    Index("ix_jobs_due", "state", "due_at"),
)
"""`due_at`: a queued job may be leased from then on; the lease of a running one ends then."""

drops = Table(
    "drops",
    metadata,
    Column("drop_id", String(64), primary_key=True),
    Column("taken_at", Double, nullable=False),
)
"""Objects below `incoming/` of which jobs were made, with the ids of uploads; kept as long as the objects are there."""

unfinished_assets = Table(
    "unfinished_assets",
    metadata,
    Column("asset_id", Id, primary_key=True),
    Column("job_id", Id, nullable=False),
    Column("begun_at", Double, nullable=False),
)
"""Noted before their first object is written, until they are published. A row outlives its job."""
