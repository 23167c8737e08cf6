"""Accounts, the sessions in which they are signed in, and refresh tokens."""

from dataclasses import asdict, dataclass

from sqlalchemy import delete, exists, insert, select, update

from control.database.engine import Connection
from control.database.tables import accounts, refresh_tokens, sessions


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in. `role` is one of viewer, publisher and admin."""

    account_id: str
    email: str
    password_hash: str
    role: str
    created_at: float


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token by its SHA-256, in hex."""

    digest: str
    session_id: str
    expires_at: float
    spent: bool = False


async def any_account(connection: Connection) -> bool:
    """Whether there is an account at all."""
    return bool(await connection.scalar(select(exists().select_from(accounts))))


async def add(connection: Connection, account: Account) -> None:
    """Record a new account."""
    await connection.execute(insert(accounts).values(asdict(account)))


async def by_email(connection: Connection, email: str) -> Account | None:
    """The account with this e-mail address."""
    row = (await connection.execute(select(accounts).where(accounts.c.email == email))).mappings().first()
    return None if row is None else Account(**row)


async def of_session(connection: Connection, session_id: str) -> Account | None:
    """The account that a session is of; None when the session has ended."""
    query = select(accounts).join(sessions).where(sessions.c.session_id == session_id)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else Account(**row)


async def open_session(connection: Connection, session_id: str, account_id: str, now: float) -> None:
    """Record a sign-in."""
    await connection.execute(insert(sessions).values(session_id=session_id, account_id=account_id, created_at=now))


async def end_session(connection: Connection, session_id: str) -> None:
    """End a session, and with it every refresh token of its family."""
    await connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


async def add_refresh_token(connection: Connection, token: RefreshToken) -> None:
    """Record a refresh token."""
    await connection.execute(insert(refresh_tokens).values(asdict(token)))


async def find_refresh_token(connection: Connection, digest: str) -> RefreshToken | None:
    """A refresh token, spent or not."""
    query = select(refresh_tokens).where(refresh_tokens.c.digest == digest).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else RefreshToken(**row)


async def spend_refresh_token(connection: Connection, digest: str) -> None:
    """Mark a refresh token as used."""
    await connection.execute(update(refresh_tokens).where(refresh_tokens.c.digest == digest).values(spent=True))


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove refresh tokens that have expired, and sessions that have none left."""
    await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires_at <= now))
    has_token = exists().where(refresh_tokens.c.session_id == sessions.c.session_id)
    await connection.execute(delete(sessions).where(~has_token))
