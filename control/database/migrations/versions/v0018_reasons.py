"""Announcements are found by their playback session: whoever asks for one that has ended hears why."""

from alembic import op

revision = "v0018"
down_revision = "v0017"


def upgrade() -> None:
    """Add an index."""
    op.create_index("ix_announcements_session_id", "announcements", ["session_id"])
