"""Playback sessions are found by when they have to be looked at again."""

from alembic import op

revision = "v0016"
down_revision = "v0015"


def upgrade() -> None:
    """Add an index."""
    op.create_index("ix_playback_sessions_review", "playback_sessions", ["state", "review_at"])
