"""Who uploads: somebody with an access token of a publisher.

What a token says was true when it was given, minutes ago. So control is asked at each request of an upload, and every
LOOK_SECONDS while a long body comes; at the end of an upload it looks for itself (`CompleteUpload`). While it is away,
an upload that was begun goes on as the token says.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request

from edge.cookies import CookieSessions
from edge.keys import Verifier
from matinee.errors import Conflict, PermissionDenied, Unauthenticated, Unavailable
from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import AUTHORIZATION_KEY, service_metadata
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE
from protos.v1.auth_pb2 import ROLE_ADMIN, ROLE_PUBLISHER, VerifyTokenRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from protos.v1.catalogue_pb2 import TITLE_KIND_SEASON, TITLE_KIND_SERIES, GetTitleRequest
from protos.v1.catalogue_pb2_grpc import CatalogueServiceStub

NOT_A_PUBLISHER = "uploads are for publishers"
LOOK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose request it is, the session in which they are signed in, and until when its token is good (Unix seconds)."""

    account_id: str
    session_id: str
    expires_at: float


class Publishers:
    """Knows publishers by their requests. Every method raises `Unauthenticated` and `PermissionDenied` for others."""

    def __init__(
        self,
        keys: Verifier,
        sessions: CookieSessions,
        channel: Channel,
        service_token: str,
        deadline_seconds: float,
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._control = AuthServiceStub(channel)
        self._catalogue = CatalogueServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._deadline = deadline_seconds

    async def claimed(self, request: Request) -> Publisher:
        """The publisher that the request's token names."""
        claims = await self._keys.verify(self._token(request), ACCESS_TYPE, ACCESS_AUDIENCE)
        if claims.get("role") not in ("publisher", "admin"):
            raise PermissionDenied(NOT_A_PUBLISHER)
        return Publisher(str(claims["sub"]), str(claims["sid"]), float(claims["exp"]))

    async def confirmed(self, request: Request) -> Publisher:
        """The same, when control says that the session goes on and the account may publish still."""
        publisher = await self.claimed(request)
        await self._confirm(request)
        return publisher

    async def admitted(self, request: Request) -> Publisher:
        """The same, but that the token is believed while control is away."""
        publisher = await self.claimed(request)
        with suppress(Unavailable):
            await self._confirm(request)
        return publisher

    async def while_admitted(
        self, request: Request, publisher: Publisher, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """The chunks of a body, as long as control admits the publisher.

        A token that expires while they come is not shown again: control looks at the session when all are there.
        """
        now = asyncio.get_running_loop().time
        looked_at = now()
        async for chunk in chunks:
            if now() >= looked_at + LOOK_SECONDS and time.time() < publisher.expires_at:
                with suppress(Unavailable):
                    await self._confirm(request)
                looked_at = now()
            yield chunk

    async def check_title(self, request: Request, title_id: str) -> None:
        """Raise `NotFound` when there is no title to make a new version of, `Conflict` when it has no media."""
        metadata = ((AUTHORIZATION_KEY, f"Bearer {self._token(request)}"),)
        asked = GetTitleRequest(title_id=title_id)
        async with translated():
            answer = await self._catalogue.GetTitle(asked, metadata=metadata, timeout=self._deadline)
        if answer.title.kind in (TITLE_KIND_SERIES, TITLE_KIND_SEASON):
            raise Conflict("a series or a season has no media: upload its episodes")

    async def _confirm(self, request: Request) -> None:
        asked = VerifyTokenRequest(access_token=self._token(request))
        async with translated():
            answer = await self._control.VerifyToken(asked, metadata=self._metadata, timeout=self._deadline)
        if answer.account.role not in (ROLE_PUBLISHER, ROLE_ADMIN):
            raise PermissionDenied(NOT_A_PUBLISHER)

    def _token(self, request: Request) -> str:
        token = self._sessions.access_token(request)
        if token is None:
            raise Unauthenticated("an upload needs an access token")
        return token
