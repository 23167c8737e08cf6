"""Tokens that go out by e-mail, by their SHA-256: each is good once."""

from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select

from control.database.engine import Connection
from control.database.tables import email_tokens


@dataclass(frozen=True, slots=True)
class EmailToken:
    """A token that was sent to an address, for a purpose: "confirm" or "reset".

    One to confirm has the password hash of the account that it opens; one to reset has the account.
    """

    digest: str
    purpose: str
    email: str
    expires_at: float
    account_id: str | None = None
    password_hash: str = ""


async def issue(connection: Connection, token: EmailToken) -> None:
    """Record a token, beside those that were sent before."""
    await connection.execute(insert(email_tokens).values(asdict(token)))


async def find(
    connection: Connection, digest: str, purpose: str, now: float, *, lock: bool = False
) -> EmailToken | None:
    """A token that is still good; with `lock` nobody else spends it before this transaction ends."""
    good = (email_tokens.c.purpose == purpose) & (email_tokens.c.expires_at > now)
    query = select(email_tokens).where(good & (email_tokens.c.digest == digest))
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().first()
    return None if row is None else EmailToken(**row)


async def spend(connection: Connection, purpose: str, email: str) -> None:
    """End whatever was sent to an address for a purpose."""
    same = (email_tokens.c.purpose == purpose) & (email_tokens.c.email == email)
    await connection.execute(delete(email_tokens).where(same))


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove the tokens that have expired."""
    await connection.execute(delete(email_tokens).where(email_tokens.c.expires_at <= now))
