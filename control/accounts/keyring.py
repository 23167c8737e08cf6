"""The signing keys, and their rotation without a false 401.

A new key is published first and signs later: one that an admin asks for after `ANNOUNCE_SECONDS`, when every edge has
heard of it and fetched it; one that is due after `RENEWAL_SECONDS`, when also everybody else has it who verifies our
tokens alone and keeps the key set for a while. The old key signs no more then, and goes on verifying until the last
token that it can have signed has expired.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from control.database import Database, announcements, signing_keys
from control.database.signing_keys import StoredKey
from control.identifiers import new_id
from matinee.tokens import Claims, Clock, KeySet, SigningKey, jwks

ANNOUNCE_SECONDS = 2.0
RENEWAL_SECONDS = 3_600.0
MARGIN_SECONDS = 600.0


@dataclass(frozen=True)
class _Loaded:
    """One state of the stored keys, ready for use."""

    stored: tuple[StoredKey, ...]
    verifier: KeySet
    jwks: str


class Keyring:
    """The keys of the instance, shared by all control processes through the database."""

    def __init__(self, database: Database, clock: Clock, *, token_seconds: float, key_seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._token_seconds = token_seconds
        self._key_seconds = key_seconds
        self._loaded = _Loaded((), KeySet({}), jwks([]))

    async def open(self) -> None:
        """Load the keys; make the first one when there is none."""
        async with self._database.write() as connection:
            stored = await signing_keys.every(connection, lock=True)
            if not stored:
                await signing_keys.add(connection, self._generated(signs_from=self._clock()))
            # Tokens may live longer since the settings changed; those that a key has signed may not live shorter.
            await signing_keys.lengthen(
                connection, [key.kid for key in _in_use(stored, self._clock())], self._token_seconds
            )
        await self.reload()

    async def reload(self) -> None:
        """Load the keys anew: some process has made one."""
        async with self._database.read() as connection:
            stored = tuple(await signing_keys.every(connection))
        text = jwks(SigningKey(key.kid, key.pem) for key in stored)
        self._loaded = _Loaded(stored, KeySet.from_jwks(text, self._clock), text)

    @property
    def jwks(self) -> str:
        """The public keys that verify our tokens, as a JSON Web Key Set (RFC 7517)."""
        return self._loaded.jwks

    def signing_key(self) -> SigningKey:
        """The key that signs now."""
        key = signing_at(self._loaded.stored, self._clock())
        return SigningKey(key.kid, key.pem)

    def verify(self, token: str, kind: str, audience: str) -> Claims:
        """The claims of a token of ours. Raises `Unauthenticated`."""
        return self._loaded.verifier.verify(token, kind, audience)

    async def rotate(self) -> str:
        """Make a new key, and return its `kid` once it signs."""
        key = self._generated(signs_from=self._clock() + ANNOUNCE_SECONDS)
        async with self._database.write() as connection:
            await signing_keys.add(connection, key)
            await announcements.announce_key(connection, self._clock())
        await self.reload()
        await asyncio.sleep(ANNOUNCE_SECONDS)
        return key.kid

    async def renew(self) -> None:
        """Make a new key when the newest is `key_seconds` old, and forget keys whose tokens have all expired."""
        now = self._clock()
        async with self._database.write() as connection:
            stored = await signing_keys.every(connection, lock=True)
            await signing_keys.remove(connection, [key.kid for key in retired(stored, now)])
            due = now - stored[-1].created_at >= self._key_seconds
            if due:
                await signing_keys.add(connection, self._generated(signs_from=now + RENEWAL_SECONDS))
                await announcements.announce_key(connection, now)
        await self.reload()

    def _generated(self, *, signs_from: float) -> StoredKey:
        key = SigningKey.generate(new_id(self._clock))
        return StoredKey(key.kid, key.pem, self._clock(), signs_from, self._token_seconds)


def signing_at(keys: Sequence[StoredKey], now: float) -> StoredKey:
    """The key that signs at a moment, of keys in the order in which they sign."""
    return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])


def retired(keys: Sequence[StoredKey], now: float) -> list[StoredKey]:
    """Keys that can have signed no token that is still valid."""
    return [
        key for key, successor in pairwise(keys) if successor.signs_from + key.token_seconds + MARGIN_SECONDS <= now
    ]


def _in_use(keys: Sequence[StoredKey], now: float) -> list[StoredKey]:
    """The key that signs now, and those that will."""
    return list(keys[keys.index(signing_at(keys, now)) :]) if keys else []
