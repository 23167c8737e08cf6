"""The control plane's accounts."""

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Nothing yet."""
