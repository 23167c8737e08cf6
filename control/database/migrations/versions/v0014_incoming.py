"""Films that were dropped into the object store: where their jobs find them, and which were taken."""

import sqlalchemy as sa
from alembic import op

revision = "v0014"
down_revision = "v0013"


def upgrade() -> None:
    """Tell of jobs where their source lies and whether their title waits as a draft, and create the table."""
    op.add_column("jobs", sa.Column("source_key", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("draft", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "drops",
        sa.Column("drop_id", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("drop_id", name="pk_drops"),
    )
