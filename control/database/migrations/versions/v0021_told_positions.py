"""Playback sessions know when their viewers were where, and how long that is which they watch."""

import sqlalchemy as sa
from alembic import op

revision = "v0021"
down_revision = "v0020"

LENGTHS = """
    UPDATE playback_sessions SET duration_seconds = COALESCE(
        (SELECT assets.duration_seconds FROM assets WHERE assets.asset_id = playback_sessions.asset_id), 0
    )
"""


def upgrade() -> None:
    """Earlier sessions have told nothing; the next report of a player does."""
    op.add_column("playback_sessions", sa.Column("told_at", sa.Double))
    op.add_column("playback_sessions", sa.Column("sought", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("playback_sessions", sa.Column("duration_seconds", sa.Double, nullable=False, server_default="0"))
    op.execute(LENGTHS)
    op.create_index("ix_playback_sessions_told", "playback_sessions", ["account_id", "title_id", "told_at"])
