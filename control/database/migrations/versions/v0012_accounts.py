"""Of refresh tokens when they were spent, by whom, and what the next is derived with; letters that wait to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"


def upgrade() -> None:
    """Tell more of spent refresh tokens than that they are, and create the table of letters."""
    _tell_of_spent_tokens()
    _create_letters()


def _tell_of_spent_tokens() -> None:
    op.add_column("refresh_tokens", sa.Column("spent_at", sa.Double(), nullable=True))
    op.add_column("refresh_tokens", sa.Column("spender", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("refresh_tokens", sa.Column("salt", sa.String(length=64), nullable=False, server_default=""))
    op.execute(sa.text("UPDATE refresh_tokens SET spent_at = 0 WHERE spent"))
    op.drop_column("refresh_tokens", "spent")


def _create_letters() -> None:
    op.create_table(
        "waiting_letters",
        sa.Column("letter_id", sa.String(length=26), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id", name="pk_waiting_letters"),
    )
    op.create_index(op.f("ix_waiting_letters_due_at"), "waiting_letters", ["due_at"])
