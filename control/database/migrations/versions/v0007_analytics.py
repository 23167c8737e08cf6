"""Analytics: how playback went, and what was watched."""

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"


def upgrade() -> None:
    """Create what is kept of viewing."""
    _create_quality()
    _create_history()
    _create_recommendations()
    _create_statistics()


def _create_quality() -> None:
    op.create_table(
        "playback_quality",
        sa.Column("session_id", sa.String(length=26), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("asset_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("startup_seconds", sa.Double(), nullable=True),
        sa.Column("played_seconds", sa.Double(), nullable=False),
        sa.Column("rebuffer_seconds", sa.Double(), nullable=False),
        sa.Column("stalls", sa.Integer(), nullable=False),
        sa.Column("average_bitrate", sa.Double(), nullable=False),
        sa.Column("rung_changes", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.String(length=16), nullable=False),
        sa.Column("experience", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_playback_quality"),
    )
    op.create_index(op.f("ix_playback_quality_day"), "playback_quality", ["day"])
    op.create_index("ix_playback_quality_title_id", "playback_quality", ["title_id", "day"])


def _create_history() -> None:
    op.create_table(
        "history",
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("entry_id", sa.String(length=26), nullable=False),
        sa.Column("position_seconds", sa.Double(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("watched_seconds", sa.Double(), nullable=False),
        sa.Column("watched_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_history_account_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_history_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "title_id", name="pk_history"),
    )
    op.create_index(op.f("ix_history_title_id"), "history", ["title_id"])
    op.create_index("ix_history_latest", "history", ["account_id", "entry_id"])


def _create_recommendations() -> None:
    op.create_table(
        "recommendation_models",
        sa.Column("version", sa.String(length=26), nullable=False),
        sa.Column("trained_at", sa.Double(), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("titles", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_recommendation_models"),
    )


def _create_statistics() -> None:
    op.create_table(
        "plays",
        sa.Column("session_id", sa.String(length=26), nullable=False),
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("reached_ppm", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_plays_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", name="pk_plays"),
    )
    op.create_index("ix_plays_title_viewers", "plays", ["title_id", "day", "account_id", "started"])
    op.create_index("ix_plays_viewers", "plays", ["day", "account_id", "started"])
    op.create_table(
        "title_days",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("plays", sa.BigInteger(), nullable=False),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("reached_ppm", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["title_id"], ["titles.title_id"], name="fk_title_days_title_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("title_id", "day", name="pk_title_days"),
    )
    op.create_index(op.f("ix_title_days_day"), "title_days", ["day"])
