"""The control plane's analytics."""

revision = "v0007"
down_revision = "v0006"


def upgrade() -> None:
    """Nothing yet."""
