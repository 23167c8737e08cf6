"""What an account took out of its history stays out, though events of before are told later."""

import sqlalchemy as sa
from alembic import op

revision = "v0024"
down_revision = "v0023"


def upgrade() -> None:
    """When earlier ones were forgotten is not known: events of before have most likely been told by now."""
    op.create_table(
        "forgotten",
        sa.Column("account_id", sa.String(26), primary_key=True),
        sa.Column("title_id", sa.String(26), primary_key=True),
        sa.Column("forgotten_at", sa.Double, nullable=False),
    )
    op.create_index("ix_forgotten_forgotten_at", "forgotten", ["forgotten_at"])
