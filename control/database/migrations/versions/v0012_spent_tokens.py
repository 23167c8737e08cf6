"""When a refresh token was spent, by whom, and what its successor is derived with."""

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0010"


def upgrade() -> None:
    """Tell more of spent refresh tokens than that they are."""
    op.add_column("refresh_tokens", sa.Column("spent_at", sa.Double(), nullable=True))
    op.add_column("refresh_tokens", sa.Column("spender", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("refresh_tokens", sa.Column("salt", sa.String(length=64), nullable=False, server_default=""))
    op.execute(sa.text("UPDATE refresh_tokens SET spent_at = 0 WHERE spent"))
    op.drop_column("refresh_tokens", "spent")
