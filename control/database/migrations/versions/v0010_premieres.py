"""Titles that were published before viewers may see them."""

import sqlalchemy as sa
from alembic import op

revision = "v0010"
down_revision = "v0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "premieres",
        sa.Column("title_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(
            ["title_id"], ["titles.title_id"], name="fk_premieres_title_id_titles", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("title_id", name="pk_premieres"),
    )
