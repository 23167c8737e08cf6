"""Accounts: where somebody signed in and how, tokens sent by e-mail, and identities at OpenID providers."""

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Widen accounts and sessions, and create the tables of what belongs to them."""
    _widen()
    _create_sign_ins()
    _create_email_tokens()
    _create_identities()


def _widen() -> None:
    op.add_column("accounts", sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("accounts", sa.Column("last_login_at", sa.Double(), nullable=True))
    op.add_column("sessions", sa.Column("device", sa.String(length=100), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("last_used_at", sa.Double(), nullable=False, server_default="0"))
    op.execute("UPDATE sessions SET last_used_at = created_at")


def _create_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("session_id", sa.String(length=26), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_sign_ins_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name="pk_sign_ins"),
    )
    op.create_index(op.f("ix_sign_ins_account_id"), "sign_ins", ["account_id"])
    op.create_index(op.f("ix_sign_ins_time"), "sign_ins", ["time"])


def _create_email_tokens() -> None:
    op.create_table(
        "email_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_email_tokens_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_email_tokens"),
    )
    op.create_index(op.f("ix_email_tokens_email"), "email_tokens", ["email"])
    op.create_index(op.f("ix_email_tokens_account_id"), "email_tokens", ["account_id"])
    op.create_index(op.f("ix_email_tokens_expires_at"), "email_tokens", ["expires_at"])


def _create_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name="fk_identities_account_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index(op.f("ix_identities_account_id"), "identities", ["account_id"])
    op.create_table(
        "authorizations",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_authorizations"),
    )
    op.create_index(op.f("ix_authorizations_expires_at"), "authorizations", ["expires_at"])
