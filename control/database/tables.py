"""The tables. A change here needs a migration; a test compares the two.

Times are Unix seconds. Ids grow with time (see `control.identifiers`), so that "newest first" is the order of the key.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(26)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
)
"""Sign-ins. A session is the family of its refresh tokens, and ends when its row goes."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", Id, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Double, nullable=False, index=True),
    Column("spent", Boolean, nullable=False),
)
"""SHA-256 of every refresh token, spent ones included: a spent one that comes back gives a thief away."""

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Id, primary_key=True),
    Column("pem", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("signs_from", Double, nullable=False),
    Column("token_seconds", Double, nullable=False),
)
"""`token_seconds` is the longest life of a token that the key may have signed."""

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
    Index("ix_jobs_due", "state", "due_at"),
)
"""`due_at`: a queued job may be leased from then on; the lease of a running one ends then."""

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

removals = Table(
    "removals",
    metadata,
    Column("prefix", String(200), primary_key=True),
    Column("created_at", Double, nullable=False),
)
"""Objects that no title needs any more, until the store has removed them."""
