"""Plans, who has which, and which payments were heard of."""

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text, text

from control.database.tables.metadata import Id, metadata

plans = Table(
    "plans",
    metadata,
    Column("plan_id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("description", Text, nullable=False),
    Column("price_label", String(60), nullable=False),
    Column("level", Integer, nullable=False),
    Column("max_streams", Integer, nullable=False),
    Column("max_height", Integer, nullable=False),
    Column("max_devices", Integer, nullable=False),
    Column("trial_days", Integer, nullable=False),
    Column("period_days", Integer, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("retired", Boolean, nullable=False),
)

NOT_ENDED = text("state <> 'ended'")

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscription_id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("plan_id", String(32), ForeignKey("plans.plan_id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("period_ends_at", Double),
    Column("provider", String(32), nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Index("uq_subscriptions_current", "account_id", unique=True, sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED),
    Index("ix_subscriptions_due", "period_ends_at", sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED),
)
"""An account has any number that have ended, and one more at most."""

payment_reports = Table(
    "payment_reports",
    metadata,
    Column("provider", String(32), primary_key=True),
    Column("webhook_id", String(255), primary_key=True),
    Column("received_at", Double, nullable=False, index=True),
)
"""What providers have reported, by its webhook-id, so that each takes effect once."""
