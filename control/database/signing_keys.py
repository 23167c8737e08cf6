"""Signing keys as they are stored."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select, update

from control.database.engine import Connection, turn
from control.database.tables import signing_keys


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key. `token_seconds` is the longest life of a token that it may have signed."""

    kid: str
    pem: str
    created_at: float
    signs_from: float
    token_seconds: float


async def add(connection: Connection, key: StoredKey) -> None:
    """Record a new key."""
    await connection.execute(insert(signing_keys).values(asdict(key)))


async def every(connection: Connection, *, lock: bool = False) -> list[StoredKey]:
    """All keys, in the order in which they sign; with `lock` nobody else renews them before this transaction ends."""
    if lock:
        await turn(connection, "signing keys")
    query = select(signing_keys).order_by(signing_keys.c.signs_from, signing_keys.c.kid)
    return [StoredKey(**row) for row in (await connection.execute(query)).mappings()]


async def lengthen(connection: Connection, kids: Sequence[str], token_seconds: float) -> None:
    """Note that these keys may sign tokens of such a life."""
    shorter = signing_keys.c.kid.in_(kids) & (signing_keys.c.token_seconds < token_seconds)
    await connection.execute(update(signing_keys).where(shorter).values(token_seconds=token_seconds))


async def remove(connection: Connection, kids: Sequence[str]) -> None:
    """Forget keys."""
    await connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_(kids)))
