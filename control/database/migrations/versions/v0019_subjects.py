"""Announcements are of a playback session or an account: their column is called by what it holds."""

from alembic import op

revision = "v0019"
down_revision = "v0018"


def upgrade() -> None:
    """Rename the column, and its index with it."""
    op.drop_index("ix_announcements_session_id", "announcements")
    op.execute("ALTER TABLE announcements RENAME COLUMN session_id TO subject_id")
    op.create_index("ix_announcements_subject_id", "announcements", ["subject_id"])
