"""The outbox keeps what the bus refuses for good, with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "v0022"
down_revision = "v0021"


def upgrade() -> None:
    """No earlier event was refused: each was sent again."""
    op.add_column("outbox", sa.Column("refusal", sa.String(500)))
