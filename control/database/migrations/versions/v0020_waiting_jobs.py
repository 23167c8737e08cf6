"""A job notes since when it waits for what is no fault of its own: a store that is away, a disk that is full."""

import sqlalchemy as sa
from alembic import op

revision = "v0020"
down_revision = "v0019"


def upgrade() -> None:
    """Earlier jobs wait for nothing that is known."""
    op.add_column("jobs", sa.Column("waits_since", sa.Double))
