"""The control plane's subscriptions."""

revision = "v0005"
down_revision = "v0004"


def upgrade() -> None:
    """Nothing yet."""
