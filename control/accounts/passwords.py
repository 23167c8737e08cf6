"""Passwords: argon2id (RFC 9106), computed in threads so that the event loop stays free."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from matinee.errors import ResourceExhausted

LONGEST_QUEUE = 64
RETRY_SECONDS = 5

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies passwords, as many at once as there are cores."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")
        self._absent = self._hasher.hash("an account that does not exist")
        self._queued = 0

    async def hash(self, password: str) -> str:
        """The hash to store, with its parameters and salt. Raises `ResourceExhausted` when too many wait."""
        return await self._in_turn(self._hasher.hash, password)

    async def matches(self, password: str, stored: str) -> bool:
        """Whether a password is the one of a stored hash; for an empty one the same work is done, and it is not.

        Raises `ResourceExhausted` when too many wait for their turn.
        """
        good = await self._in_turn(self._verify, stored or self._absent, password)
        return good and bool(stored)

    async def _in_turn(self, work: Callable[..., Result], *arguments: str) -> Result:
        if self._queued >= LONGEST_QUEUE:
            sentence = f"too many people sign in at this moment; try again in {RETRY_SECONDS} s"
            raise ResourceExhausted(sentence, retry_seconds=RETRY_SECONDS)
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._queued -= 1

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
