"""A job notes the request that made it, and its trace: what the worker logs and measures joins both."""

import sqlalchemy as sa
from alembic import op

revision = "v0015"
down_revision = "v0014"


def upgrade() -> None:
    """Earlier jobs were made by nobody that is known."""
    for name in ("request_id", "traceparent"):
        op.add_column("jobs", sa.Column(name, sa.String(64), nullable=False, server_default=""))
