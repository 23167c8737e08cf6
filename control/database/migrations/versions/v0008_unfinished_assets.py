"""Assets whose objects are being written."""

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unfinished_assets",
        sa.Column("asset_id", sa.String(length=26), nullable=False),
        sa.Column("job_id", sa.String(length=26), nullable=False),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("asset_id", name="pk_unfinished_assets"),
    )
