"""Attempts to sign in, and calls that send mail or try tokens: how many are taken before others must wait.

Attempts that fail count for the client's address, and for the account that was named, whether it exists or not. Of
either a few may follow each other; then one attempt is taken in a while. Fewer are taken of an address than of an
account, so that no client alone uses up the attempts of an account; and where an account has signed in before, the
failures of others do not hold it up.

All of this is forgotten when control ends, and what was quiet for longest when there is too much of it.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TypeVar
from weakref import WeakValueDictionary

from matinee.errors import ResourceExhausted, Unauthenticated
from matinee.tokens import Clock

OF_ADDRESS = (10, 60.0)
"""So many attempts of one address may fail one after the other, and then one in so many seconds."""
OF_ACCOUNT = (50, 20.0)
"""The same, at one account from anywhere."""
TURNS = 4
"""Attempts of one address that are looked at together; others wait, and leave argon2 to other addresses."""
LETTERS_OF_ADDRESS = (10, 60.0)
"""So many calls of one address may ask for mail one after the other, and then one in so many seconds."""
LETTERS_OF_ACCOUNT = (4, 1_200.0)
"""The same, of mail to one account: seven in an hour at most."""
TOKENS_OF_ADDRESS = (20, 30.0)
"""The same, of calls of one address that present a token which came by mail."""
MOST_KEPT = 50_000

Value = TypeVar("Value")


class Rate:
    """Events by key, each of which is forgotten `seconds` after those before it; `burst` of them are taken."""

    def __init__(self, burst: int, seconds: float, clock: Clock) -> None:
        self._burst = burst
        self._seconds = seconds
        self._clock = clock
        self._forgotten_at: dict[Hashable, float] = {}

    def pause(self, key: Hashable) -> float:
        """Seconds until another event is taken; 0 when one is now."""
        taken_from = self._forgotten_at.get(key, 0.0) - (self._burst - 1) * self._seconds
        return max(0.0, taken_from - self._clock())

    def note(self, key: Hashable) -> None:
        """Count an event."""
        _keep(self._forgotten_at, key, max(self._forgotten_at.get(key, 0.0), self._clock()) + self._seconds)

    def take(self, key: Hashable, refusal: str) -> None:
        """Count an event. Raises `ResourceExhausted`, with a sentence that begins so, when there were too many."""
        if pause := self.pause(key):
            raise _too_soon(refusal, pause)
        self.note(key)


class Attempts:
    """Takes attempts, one by one, or refuses them."""

    def __init__(self, clock: Clock) -> None:
        self._of_addresses = Rate(*OF_ADDRESS, clock)
        self._of_accounts = Rate(*OF_ACCOUNT, clock)
        self._turns = WeakValueDictionary[str, asyncio.Semaphore]()
        self._signed_in: dict[Hashable, None] = {}

    @asynccontextmanager
    async def one(self, email: str, address: str) -> AsyncIterator[None]:
        """An attempt of a client at an account: it has failed when `Unauthenticated` is raised inside.

        So has one that is cut off, which has cost as much. Raises `ResourceExhausted` when too many have failed before.
        """
        client = network(address)
        turn = self._turns.setdefault(client, asyncio.Semaphore(TURNS))
        async with turn:
            self._check(email, client)
            try:
                yield
            except (Unauthenticated, asyncio.CancelledError):
                self._of_addresses.note(client)
                self._of_accounts.note(email)
                raise
            _keep(self._signed_in, (email, client), None)

    def _check(self, email: str, client: str) -> None:
        of_account = 0.0 if (email, client) in self._signed_in else self._of_accounts.pause(email)
        if pause := max(self._of_addresses.pause(client), of_account):
            raise _too_soon("too many attempts to sign in have failed", pause)


class Requests:
    """Takes calls that ask for mail, or present what came by mail, or refuses them: for any address alike."""

    def __init__(self, clock: Clock) -> None:
        self._letters_of_addresses = Rate(*LETTERS_OF_ADDRESS, clock)
        self._letters_of_accounts = Rate(*LETTERS_OF_ACCOUNT, clock)
        self._tokens_of_addresses = Rate(*TOKENS_OF_ADDRESS, clock)

    def letter(self, email: str, address: str) -> None:
        """A client asks for mail to an account. Raises `ResourceExhausted`."""
        self._letters_of_addresses.take(network(address), "you have asked for too many messages")
        self._letters_of_accounts.take(email, "too many messages were asked for at this address")

    def token(self, address: str) -> None:
        """A client presents a token. Raises `ResourceExhausted`."""
        self._tokens_of_addresses.take(network(address), "too many links were tried")


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which one household has."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a unix socket
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))
    return str(parsed)


def _too_soon(refusal: str, pause: float) -> ResourceExhausted:
    return ResourceExhausted(f"{refusal}; try again in {math.ceil(pause)} s", retry_seconds=pause)


def _keep(memory: dict[Hashable, Value], key: Hashable, value: Value) -> None:
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > MOST_KEPT:
        del memory[next(iter(memory))]
