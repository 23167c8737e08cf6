"""Accounts, the sessions in which they are signed in, and the keys that vouch for them."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, String, Table, Text

from control.database.tables.metadata import Id, metadata

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
