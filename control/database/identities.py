"""Who accounts are at OpenID providers, and the sign-ins that were begun there."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select

from control.database.accounts import Account, of_row
from control.database.engine import Connection
from control.database.tables import accounts, authorizations, identities


@dataclass(frozen=True, slots=True)
class Authorization:
    """A sign-in that was begun, by the SHA-256 of its state: what its end must match."""

    digest: str
    provider: str
    nonce: str
    verifier: str
    expires_at: float


async def account_of(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The account that an issuer calls by this name; nobody else changes it before this transaction ends."""
    chosen = (identities.c.issuer == issuer) & (identities.c.subject == subject)
    query = select(accounts).join(identities).where(chosen).with_for_update(key_share=True, of=accounts)
    return of_row((await connection.execute(query)).mappings().first())


async def link(connection: Connection, issuer: str, subject: str, account_id: str, now: float) -> None:
    """Note that somebody whom an issuer calls by this name is this account."""
    values = {"issuer": issuer, "subject": subject, "account_id": account_id, "created_at": now}
    await connection.execute(insert(identities).values(values))


async def issuers(connection: Connection, account_ids: Collection[str]) -> dict[str, list[str]]:
    """By which issuers each of these accounts is known, in the order in which it was linked."""
    query = select(identities.c.account_id, identities.c.issuer).where(identities.c.account_id.in_(account_ids))
    known: dict[str, list[str]] = {account_id: [] for account_id in account_ids}
    for account_id, issuer in await connection.execute(query.order_by(identities.c.created_at)):
        known[account_id].append(issuer)
    return known


async def begin(connection: Connection, authorization: Authorization) -> None:
    """Record a sign-in that was begun."""
    await connection.execute(insert(authorizations).values(asdict(authorization)))


async def take(connection: Connection, digest: str, now: float) -> Authorization | None:
    """The sign-in that was begun with a state, which is good once; None when it is spent, unknown or too old."""
    query = select(authorizations).where(authorizations.c.digest == digest).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    await connection.execute(delete(authorizations).where(authorizations.c.digest == digest))
    return Authorization(**row) if row and row["expires_at"] > now else None


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove sign-ins that nobody ended in time."""
    await connection.execute(delete(authorizations).where(authorizations.c.expires_at <= now))
