"""Tickets: what a signed URL opens, remembered so that a signature is checked once per URL and not once per request.

A request is judged by the raw path and query of its ASGI scope alone; a Host header changes nothing. The origin that
takes its place in URIs is the one that we are configured with. Memory is keyed by what `split_token` makes of both, and
a check sees nothing else: a request that is served from memory is one whose check would be the same again. Only a
path in normal form is remembered: a file has one of those, and other spellings without end.
"""

import re
import time
from dataclasses import dataclass
from http import HTTPStatus

from edge.keys import Authority
from edge.problems import Refusal
from matinee.delivery import authorised_session, normalise, normalise_path, split_token
from matinee.errors import NotFound, Unauthenticated
from matinee.tokens import DELIVERY_AUDIENCE, DELIVERY_TYPE, Clock, key_id

MOST_TICKETS = 20_000
LONGEST_URL = 8192
"""Bytes of path and query that are looked at: a token, what clients add to it (CMCD), and room."""
_NAME = re.compile(r"/v/([a-z2-7]{26})/([a-z0-9-]{1,64}\.(?:m3u8|mpd|mp4))")

SplitUrl = tuple[str, str]
"""A raw path without its token, and the one token of the request."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One file of one asset, for one playback session, until `expires_at` (Unix seconds), while its key is ours."""

    session_id: str
    asset_id: str
    name: str
    expires_at: float
    key_id: str


class Tickets:
    """Checks signed URLs; remembers at most `MOST_TICKETS` that were good."""

    def __init__(self, keys: Authority, origin: str, clock: Clock = time.time) -> None:
        self._keys = keys
        self._origin = "/".join(normalise(origin).split("/")[:3])
        self._clock = clock
        self._issued: dict[SplitUrl, Ticket] = {}

    def issued(self, raw_path: bytes, query: bytes) -> Ticket | None:
        """The ticket that this URL was given before, while it holds. Raises `Refusal` (414) for an endless one."""
        ticket = self._issued.get(_split(raw_path, query))
        if ticket and self._clock() < ticket.expires_at and self._keys.knows(ticket.key_id):
            return ticket
        return None

    async def issue(self, raw_path: bytes, query: bytes) -> Ticket:
        """Check a signed URL.

        Raises `NotFound` for a path that is no file of an asset, `Unauthenticated` and `PermissionDenied` as RFC 9246
        asks, `Unavailable` when the keys cannot be fetched, and `Refusal` (414) for an endless URL.
        """
        url = raw, token = _split(raw_path, query)
        path = normalise_path(raw)
        found = _NAME.fullmatch(path)
        if found is None:
            raise NotFound("there is no such file")
        if not token:
            raise Unauthenticated("this needs a signed URL; play the title to get one")
        claims = await self._keys.verify(token, DELIVERY_TYPE, DELIVERY_AUDIENCE)
        session_id, expires_at = authorised_session(claims, self._origin + path), float(claims["exp"])
        ticket = Ticket(session_id, found[1], found[2], expires_at, key_id(token))
        if raw == path:
            self._remember(url, ticket)
        return ticket

    def _remember(self, url: SplitUrl, ticket: Ticket) -> None:
        self._issued.pop(url, None)
        while self._issued and self._is_full_or_expired(next(iter(self._issued.values()))):
            del self._issued[next(iter(self._issued))]
        self._issued[url] = ticket

    def _is_full_or_expired(self, oldest: Ticket) -> bool:
        return len(self._issued) >= MOST_TICKETS or oldest.expires_at <= self._clock()


def _split(raw_path: bytes, query: bytes) -> SplitUrl:
    if len(raw_path) + len(query) > LONGEST_URL:
        raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "the URL is longer than any of ours")
    return split_token(raw_path.decode("latin-1"), query.decode("latin-1"))
