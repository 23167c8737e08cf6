"""Accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from control.database.engine import Connection, turn
from control.database.tables import accounts
from matinee.errors import Conflict


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in. `role` is one of viewer, publisher and admin; times are Unix seconds.

    The password hash is empty for an account without a password; `last_login_at` is None before the first sign-in.
    """

    account_id: str
    email: str
    password_hash: str
    role: str
    created_at: float
    disabled: bool = False
    last_login_at: float | None = None


async def any_account(connection: Connection, *, lock: bool = False) -> bool:
    """Whether there is an account at all; with `lock` nobody else asks so before this transaction ends."""
    if lock:
        await turn(connection, "first account")
    return bool(await connection.scalar(select(exists().select_from(accounts))))


async def add(connection: Connection, account: Account) -> None:
    """Record a new account. Raises `Conflict` when there is one with its e-mail address."""
    await hold_address(connection, account.email)
    try:
        await connection.execute(insert(accounts).values(asdict(account)))
    except IntegrityError as error:
        raise Conflict("there is an account with this e-mail address already") from error


async def find(connection: Connection, account_id: str, *, lock: bool = False) -> Account | None:
    """An account; with `lock` nobody else changes it before this transaction ends."""
    return await _one(connection, accounts.c.account_id == account_id, lock=lock)


async def by_email(connection: Connection, email: str, *, lock: bool = False) -> Account | None:
    """The account with this e-mail address; with `lock` nobody else changes it before this transaction ends."""
    return await _one(connection, accounts.c.email == email, lock=lock)


async def page(connection: Connection, before: str, size: int, *, email: str = "") -> list[Account]:
    """Up to `size` accounts older than the id `before` (empty: all), newest first; or only that of an address."""
    query = select(accounts)
    if before:
        query = query.where(accounts.c.account_id < before)
    if email:
        query = query.where(accounts.c.email == email)
    rows = await connection.execute(query.order_by(accounts.c.account_id.desc()).limit(size))
    return [Account(**row) for row in rows.mappings()]


async def emails(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """The e-mail addresses of those of these accounts that there are, by their ids."""
    query = select(accounts.c.account_id, accounts.c.email).where(accounts.c.account_id.in_(list(account_ids)))
    return {row.account_id: row.email for row in await connection.execute(query)}


async def save(connection: Connection, account: Account) -> None:
    """Write what has changed of an account."""
    await connection.execute(
        update(accounts).where(accounts.c.account_id == account.account_id).values(asdict(account))
    )


async def logged_in(connection: Connection, account_id: str, time: float) -> None:
    """Note a sign-in, unless a later one is noted."""
    earlier = accounts.c.last_login_at.is_(None) | (accounts.c.last_login_at < time)
    chosen = (accounts.c.account_id == account_id) & earlier
    await connection.execute(update(accounts).where(chosen).values(last_login_at=time))


async def remove(connection: Connection, account_id: str) -> None:
    """Remove an account with its sessions and whatever else is of it alone."""
    await connection.execute(delete(accounts).where(accounts.c.account_id == account_id))


async def active_admins(connection: Connection) -> set[str]:
    """The ids of the admins who may sign in."""
    chosen = (accounts.c.role == "admin") & ~accounts.c.disabled
    return set(await connection.scalars(select(accounts.c.account_id).where(chosen)))


async def hold_admins(connection: Connection) -> None:
    """Have it to oneself until this transaction ends who is an admin."""
    await turn(connection, "admins")


async def hold_address(connection: Connection, email: str) -> None:
    """Have it to oneself until this transaction ends whether there is an account with this address."""
    await turn(connection, f"account {email}")


def of_row(row: Mapping[Any, Any] | None) -> Account | None:
    """The account of a row of `accounts`."""
    return None if row is None else Account(**row)


async def _one(connection: Connection, chosen: ColumnElement[bool], *, lock: bool) -> Account | None:
    query = select(accounts).where(chosen)
    return of_row(
        (await connection.execute(query.with_for_update(key_share=True) if lock else query)).mappings().first()
    )
