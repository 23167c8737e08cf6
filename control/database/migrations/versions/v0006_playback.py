"""The control plane's playback: what sessions do, devices, and changed grants.

Playback sessions and announcements are made anew: both live for hours, and viewers play their title again.
"""

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"


def upgrade() -> None:
    """Create the tables."""
    op.drop_table("playback_sessions")
    op.drop_table("announcements")
    _create_sessions()
    _create_devices()
    _create_announcements()


def _create_sessions() -> None:
    op.create_table(
        "playback_sessions",
        sa.Column("session_id", sa.String(length=26), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("asset_id", sa.String(length=26), nullable=False),
        sa.Column("device", sa.String(length=100), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("login_id", sa.String(length=26), nullable=False),
        sa.Column("max_height", sa.Integer(), nullable=False),
        sa.Column("review_at", sa.Double(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("position_seconds", sa.Double(), nullable=False),
        sa.Column("stretch_began_at", sa.Double(), nullable=True),
        sa.Column("played", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_playback_sessions_account_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["title_id"], ["titles.title_id"], name="fk_playback_sessions_title_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_playback_sessions"),
    )
    op.create_index("ix_playback_sessions_account", "playback_sessions", ["account_id", "state"])
    op.create_index("ix_playback_sessions_seen", "playback_sessions", ["state", "last_seen_at"])
    for column in ("expires_at", "login_id", "title_id"):
        op.create_index(op.f(f"ix_playback_sessions_{column}"), "playback_sessions", [column])


def _create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("first_used_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_devices_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "device_id", name="pk_devices"),
    )


def _create_announcements() -> None:
    op.create_table(
        "announcements",
        sa.Column(
            "announcement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.String(length=26), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("announcement_id", name="pk_announcements"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_announcements_created_at"), "announcements", ["created_at"])
