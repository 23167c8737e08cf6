"""Accounts, the sessions in which they are signed in, and the keys that vouch for them."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, String, Table, Text, false

from control.database.tables.metadata import Id, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Id, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("last_login_at", Double),
)
"""An account without a password has an empty hash, which no password matches."""

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
    Column("device", String(100), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    Column("last_used_at", Double, nullable=False, server_default="0"),
)
"""Sign-ins. A session is the family of its refresh tokens, and ends when its row goes."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", Id, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Double, nullable=False, index=True),
    Column("spent_at", Double),
    Column("spender", String(64), nullable=False, server_default=""),
    Column("salt", String(64), nullable=False, server_default=""),
)
"""SHA-256 of every refresh token, spent ones included: a spent one that comes back gives a thief away."""

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("method", String(32), nullable=False),
    Column("device", String(100), nullable=False),
    Column("address", String(64), nullable=False),
    Column("time", Double, nullable=False, index=True),
)
"""The audit of sessions: every sign-in, also of sessions that have ended, for `accounts.audit_days`."""

email_tokens = Table(
    "email_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("email", String(254), nullable=False, index=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), index=True),
    Column("password_hash", Text, nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)
"""SHA-256 of every token that went out by e-mail; with the password of the account that it may open."""

waiting_letters = Table(
    "waiting_letters",
    metadata,
    Column("letter_id", Id, primary_key=True),
    Column("recipient", String(254), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("posted_at", Double, nullable=False),
    Column("due_at", Double, nullable=False, index=True),
)
"""Letters until they are sent, for a day at most. The links in them are in no other place of the database: whoever
reads it could follow them, and can sign access tokens anyway with the keys that lie beside.
"""

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
)
"""Who an account is at OpenID providers."""

authorizations = Table(
    "authorizations",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("expires_at", Double, nullable=False, index=True),
)
"""Sign-ins that were begun at an OpenID provider, by the SHA-256 of their state."""

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
