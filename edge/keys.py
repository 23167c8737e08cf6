"""The public keys that verify our tokens, as the edge knows them.

Control owns the keys. The edge fetches the set when a token names a key that it does not know, and when control says
that the set has changed. While control is away the old set goes on verifying.
"""

import asyncio
from typing import Protocol

from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import service_metadata
from matinee.tokens import Claims, KeySet, key_id
from protos.v1.auth_pb2 import GetKeysRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub

DEADLINE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
BURST = 3
"""So many fetches may follow each other at once after a quiet time; in the long run there is one in a pause."""


class Verifier(Protocol):
    """What others need of the keys."""

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        """The claims of a token of this `typ` for this audience. Raises `Unauthenticated`, `Unavailable`."""
        ...


class Authority(Verifier, Protocol):
    """What those need who remember that a token was good."""

    def knows(self, kid: str) -> bool:
        """Whether tokens of this key are good: one that has leaked is taken away."""
        ...


class Keys:
    """The key set of control, fetched when it is needed: in the long run once a second at most, whatever is forged."""

    def __init__(self, channel: Channel, service_token: str, pause: float = PAUSE_SECONDS) -> None:
        self._auth = AuthServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._pause = pause
        self._due = 0.0
        self._fetched_at = float("-inf")
        self._awaited: asyncio.Task[None] | None = None
        self._jwks = ""
        self._current = KeySet({})

    async def published(self) -> str:
        """The keys as a JSON Web Key Set (RFC 7517). Raises `Unavailable` when none was ever fetched."""
        if not self._jwks:
            await self.refresh()
        return self._jwks

    def knows(self, kid: str) -> bool:
        """Whether tokens of this key are good, as far as is known here."""
        return kid in self._current

    async def verify(self, token: str, kind: str, audience: str) -> Claims:
        """The claims of a token of this `typ` for this audience.

        Raises `Unauthenticated` for any other token, and `Unavailable` when its key is new and control is away.
        """
        if key_id(token) not in self._current:
            await self.refresh()
        return self._current.verify(token, kind, audience)

    async def refresh(self, max_age: float = 0) -> None:
        """Fetch the set, unless it is younger than `max_age` seconds; without, it will be no older than this call.

        Callers share the fetch that is about to begin; it waits when there were many before it. Raises `Unavailable`,
        and keeps the old set then.
        """
        if asyncio.get_running_loop().time() < self._fetched_at + max_age:
            return
        if self._awaited is None:
            self._awaited = asyncio.create_task(self._fetch())
            self._awaited.add_done_callback(_heard)
        await asyncio.shield(self._awaited)

    async def _fetch(self) -> None:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(max(0.0, self._due - (BURST - 1) * self._pause - now()))
        self._awaited = None  # who comes from here on may know of a newer key, and gets a fetch of its own
        self._due = max(self._due, now()) + self._pause
        async with translated():
            reply = await self._auth.GetKeys(GetKeysRequest(), metadata=self._metadata, timeout=DEADLINE_SECONDS)
        self._fetched_at = now()
        if reply.jwks != self._jwks:
            self._current = KeySet.from_jwks(reply.jwks)
            self._jwks = reply.jwks


def _heard(fetch: asyncio.Task[None]) -> None:
    """A fetch whose callers have all left may fail unheard."""
    if not fetch.cancelled():
        fetch.exception()
