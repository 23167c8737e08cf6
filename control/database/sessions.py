"""Sessions in which accounts are signed in, their refresh tokens, and the audit of all sign-ins."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import delete, exists, insert, select, update

from control.database import upsert
from control.database.accounts import Account, of_row
from control.database.engine import Connection
from control.database.tables import accounts, refresh_tokens, sessions, sign_ins


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in: from which device and address, as far as they were told. Times are Unix seconds."""

    session_id: str
    account_id: str
    created_at: float
    device: str = ""
    address: str = ""
    last_used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token by its SHA-256, in hex.

    A spent one has when (Unix seconds), by which client, and the salt that makes its successor of the token itself.
    """

    digest: str
    session_id: str
    expires_at: float
    spent_at: float | None = None
    spender: str = ""
    salt: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the audit keeps of a session. `method` is "password", or the name of an OpenID provider."""

    session_id: str
    account_id: str
    method: str
    device: str
    address: str
    time: float


async def add(connection: Connection, session: Session) -> None:
    """Record a sign-in."""
    await connection.execute(insert(sessions).values(asdict(session)))


async def account_of(connection: Connection, session_id: str) -> Account | None:
    """The account that a session is of; None when the session has ended."""
    query = select(accounts).join(sessions).where(sessions.c.session_id == session_id)
    return of_row((await connection.execute(query)).mappings().first())


async def hold(connection: Connection, session_id: str) -> bool:
    """Whether a session goes on, which nobody else ends before this transaction does."""
    query = select(sessions.c.session_id).where(sessions.c.session_id == session_id)
    return await connection.scalar(query.with_for_update(read=True, key_share=True)) is not None


async def page(connection: Connection, before: str, size: int, account_id: str) -> list[Session]:
    """Up to `size` sessions of an account older than the id `before` (empty: all), newest first."""
    query = select(sessions).where(sessions.c.account_id == account_id)
    if before:
        query = query.where(sessions.c.session_id < before)
    rows = await connection.execute(query.order_by(sessions.c.session_id.desc()).limit(size))
    return [Session(**row) for row in rows.mappings()]


async def used(connection: Connection, session_id: str, now: float) -> None:
    """Note that a session is in use."""
    await connection.execute(update(sessions).where(sessions.c.session_id == session_id).values(last_used_at=now))


async def end(connection: Connection, session_id: str) -> None:
    """End a session, and with it every refresh token of its family."""
    await connection.execute(delete(sessions).where(sessions.c.session_id == session_id))


async def end_own(connection: Connection, session_id: str, account_id: str) -> bool:
    """End a session if it is of this account; whether there was one."""
    chosen = (sessions.c.session_id == session_id) & (sessions.c.account_id == account_id)
    return bool((await connection.execute(delete(sessions).where(chosen))).rowcount)


async def end_all(connection: Connection, account_id: str, *, but: Collection[str] = ()) -> None:
    """End every session of an account `but` these."""
    chosen = (sessions.c.account_id == account_id) & sessions.c.session_id.not_in(but)
    await connection.execute(delete(sessions).where(chosen))


async def add_refresh_token(connection: Connection, token: RefreshToken) -> None:
    """Record a refresh token."""
    await connection.execute(insert(refresh_tokens).values(asdict(token)))


async def find_refresh_token(connection: Connection, digest: str) -> RefreshToken | None:
    """A refresh token, spent or not; nobody else changes its session before this transaction ends."""
    mine = refresh_tokens.c.digest == digest
    session = select(sessions.c.session_id).join(refresh_tokens).where(mine)
    await connection.execute(session.with_for_update(of=sessions))
    row = (await connection.execute(select(refresh_tokens).where(mine))).mappings().first()
    return None if row is None else RefreshToken(**row)


async def save_refresh_token(connection: Connection, token: RefreshToken) -> None:
    """Write what has changed of a refresh token."""
    await connection.execute(
        update(refresh_tokens).where(refresh_tokens.c.digest == token.digest).values(asdict(token))
    )


async def forget_expired(connection: Connection, now: float) -> None:
    """Remove refresh tokens that have expired, and sessions that have none left.

    The sessions first: so they are found by the few tokens that have expired, and not among all that there are.
    """
    token = refresh_tokens.alias()
    expired = select(refresh_tokens.c.session_id).where(refresh_tokens.c.expires_at <= now)
    goes_on = exists().where(token.c.session_id == sessions.c.session_id, token.c.expires_at > now)
    await connection.execute(delete(sessions).where(sessions.c.session_id.in_(expired), ~goes_on))
    await connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires_at <= now))


async def audit(connection: Connection, sign_in: SignIn) -> bool:
    """Keep a sign-in for the audit; false when that has one of the same session already."""
    made = upsert.insert(connection, sign_ins).values(asdict(sign_in)).on_conflict_do_nothing()
    return (await connection.execute(made.returning(sign_ins.c.session_id))).first() is not None


async def audited(connection: Connection, before: str, size: int, account_id: str) -> list[SignIn]:
    """Up to `size` sign-ins of an account that the audit has, older than the id `before` (empty: all), newest first."""
    query = select(sign_ins).where(sign_ins.c.account_id == account_id)
    if before:
        query = query.where(sign_ins.c.session_id < before)
    rows = await connection.execute(query.order_by(sign_ins.c.session_id.desc()).limit(size))
    return [SignIn(**row) for row in rows.mappings()]


async def going_on(connection: Connection, session_ids: Collection[str]) -> set[str]:
    """Those of these sessions that have not ended."""
    return set(await connection.scalars(select(sessions.c.session_id).where(sessions.c.session_id.in_(session_ids))))


async def devices_seen(connection: Connection, account_id: str) -> set[str]:
    """From which devices the audit has seen an account."""
    query = select(sign_ins.c.device).where(sign_ins.c.account_id == account_id).distinct()
    return set(await connection.scalars(query))


async def forget_audit(connection: Connection, before: float) -> None:
    """Remove from the audit what happened before a moment."""
    await connection.execute(delete(sign_ins).where(sign_ins.c.time < before))
