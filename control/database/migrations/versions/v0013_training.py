"""How the training of recommendations goes, and fewer words about what was learnt."""

import sqlalchemy as sa
from alembic import op

revision = "v0013"
down_revision = "v0012"


def upgrade() -> None:
    """Create the table with its only row."""
    training = op.create_table(
        "training",
        sa.Column("training_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("begun_at", sa.Double(), nullable=False),
        sa.Column("told_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("training_id", name="pk_training"),
    )
    op.bulk_insert(training, [{"training_id": 1, "begun_at": 0, "told_at": 0, "ended_at": 0, "failure": ""}])
    op.drop_column("recommendation_models", "trained_at")
