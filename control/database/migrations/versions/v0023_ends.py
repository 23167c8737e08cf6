"""The end of a playback session is announced with its cause, and titles are found by the end of their window."""

import sqlalchemy as sa
from alembic import op

revision = "v0023"
down_revision = "v0022"


def upgrade() -> None:
    """Of earlier ends only the sentence is known. Most titles have no window, and are left out of the index."""
    op.add_column("announcements", sa.Column("cause", sa.String(32), nullable=False, server_default=""))
    windowed = sa.text("available_until IS NOT NULL")
    op.create_index("ix_titles_until", "titles", ["available_until"], postgresql_where=windowed, sqlite_where=windowed)
