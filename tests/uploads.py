"""What tests of uploads stand on: a control service over real gRPC, an edge that takes uploads over real HTTP.

`python -m tests.uploads CONTROL STORE LISTENER` runs such an edge as a process of its own, which a test can kill, on a
socket that it inherits under that number. How to reach a bucket MATINEE_STORE__* in its environment say.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from edge.cookies import CookieSessions
from edge.keys import Keys
from edge.uploads import Uploads
from matinee.errors import NotFound, PermissionDenied, Unauthenticated
from matinee.rpc.call_errors import status_code
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import SERVICE_TOKEN_KEY
from matinee.rpc.server import Context, make_server
from matinee.settings import Settings, UploadSettings, load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from matinee.tokens import ACCESS_AUDIENCE, ACCESS_TYPE, ISSUER, KeySet, SigningKey, jwks
from protos.v1.auth_pb2 import (
    ROLE_PUBLISHER,
    ROLE_VIEWER,
    Account,
    GetKeysRequest,
    GetKeysResponse,
    VerifyTokenRequest,
    VerifyTokenResponse,
)
from protos.v1.auth_pb2_grpc import AuthServiceServicer, add_AuthServiceServicer_to_server
from protos.v1.catalogue_pb2 import GetTitleRequest, GetTitleResponse, Title, TitleKind
from protos.v1.catalogue_pb2_grpc import CatalogueServiceServicer, add_CatalogueServiceServicer_to_server
from protos.v1.jobs_pb2 import CompleteUploadRequest, CompleteUploadResponse
from protos.v1.jobs_pb2_grpc import UploadServiceServicer, add_UploadServiceServicer_to_server
from tests.door import serving

SERVICE_TOKEN = "secret of the house"
KIB = 1024


class Control(AuthServiceServicer, UploadServiceServicer):
    """The services of control that uploads need. Completes an upload once, as the contract says."""

    def __init__(self) -> None:
        self.key = SigningKey.generate("first")
        self.completed: dict[str, CompleteUploadRequest] = {}
        self.calls = 0
        self.address = "127.0.0.1:0"
        self.signed_out = set[str]()
        """Accounts whose sessions have ended since their tokens were given."""
        self.kinds: dict[str, TitleKind.ValueType] = {}
        """The titles that there are, and their kinds."""
        self.viewers = set[str]()
        """Accounts that have become viewers since."""

    async def GetKeys(self, request: GetKeysRequest, context: Context) -> GetKeysResponse:  # noqa: N802 (gRPC's name)
        return GetKeysResponse(jwks=jwks([self.key]))

    async def VerifyToken(  # noqa: N802 (gRPC's name)
        self, request: VerifyTokenRequest, context: Context
    ) -> VerifyTokenResponse:
        assert dict(context.invocation_metadata() or ())[SERVICE_TOKEN_KEY] == SERVICE_TOKEN
        claims = KeySet.from_jwks(jwks([self.key])).verify(request.access_token, ACCESS_TYPE, ACCESS_AUDIENCE)
        await self._check_session(claims["sub"], context)
        role = ROLE_VIEWER if claims["sub"] in self.viewers else ROLE_PUBLISHER
        return VerifyTokenResponse(account=Account(account_id=claims["sub"], role=role))

    async def _check_session(self, account_id: str, context: Context) -> None:
        if account_id in self.signed_out:
            await context.abort(status_code(Unauthenticated()), "the session has ended; sign in again")

    async def CompleteUpload(  # noqa: N802 (gRPC's name)
        self, request: CompleteUploadRequest, context: Context
    ) -> CompleteUploadResponse:
        assert dict(context.invocation_metadata() or ())[SERVICE_TOKEN_KEY] == SERVICE_TOKEN
        assert request.session_id == session_of(request.account_id)
        await self._check_session(request.account_id, context)
        if request.account_id in self.viewers:
            await context.abort(status_code(PermissionDenied()), "uploads are for publishers")
        self.calls += 1
        assert self.completed.setdefault(request.upload_id, request) == request
        number = list(self.completed).index(request.upload_id)
        return CompleteUploadResponse(title_id=f"title-{number}", job_id=f"job-{number}")

    def token(self, account: str = "ada", role: str = "publisher", life: float = 60) -> str:
        """An access token of that account."""
        claims = {"iss": ISSUER, "aud": ACCESS_AUDIENCE, "sub": account, "role": role, "exp": time.time() + life}
        claims["sid"] = session_of(account)
        return self.key.sign(ACCESS_TYPE, claims)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer at `address`, the same one every time."""
        server = make_server()
        add_AuthServiceServicer_to_server(self, server)
        add_UploadServiceServicer_to_server(self, server)
        add_CatalogueServiceServicer_to_server(Titles(self.kinds), server)  # type: ignore[abstract]
        port = server.add_insecure_port(self.address)
        self.address = f"127.0.0.1:{port}"
        await server.start()
        try:
            yield
        finally:
            await server.stop(None)


class Titles(CatalogueServiceServicer):
    """The catalogue, as far as uploads need it."""

    def __init__(self, kinds: "dict[str, TitleKind.ValueType]") -> None:
        self._kinds = kinds

    async def GetTitle(self, request: GetTitleRequest, context: Context) -> GetTitleResponse:  # noqa: N802 (gRPC's name)
        kind = self._kinds.get(request.title_id)
        if kind is None:
            await context.abort(status_code(NotFound()), "there is no such title")
        return GetTitleResponse(title=Title(title_id=request.title_id, kind=kind))


def session_of(account: str) -> str:
    return f"session of {account}"


def make_control() -> Control:
    return Control()  # type: ignore[abstract]  # its other methods answer UNIMPLEMENTED


def make_settings(part_bytes: int = 64 * KIB, max_bytes: int = 1024**3, **others: int) -> Settings:
    return Settings(uploads=UploadSettings(part_bytes=part_bytes, max_bytes=max_bytes, **others))


def make_uploads(
    store: ObjectStore,
    channel: Channel,
    *,
    settings: Settings | None = None,
    keys: Keys | None = None,
    clock: Callable[[], float] = time.time,
) -> Uploads:
    """The application; without settings it is one that takes small parts."""
    settings = settings or make_settings()
    sessions = CookieSessions(settings.public_url, refresh_seconds=3600)
    keys = keys or Keys(channel, SERVICE_TOKEN)
    return Uploads(settings, store, channel, SERVICE_TOKEN, keys=keys, sessions=sessions, clock=clock)


@asynccontextmanager
async def running_edge(
    control_address: str,
    store: ObjectStore,
    settings: Settings,
    listener: socket.socket,
    through: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> AsyncIterator[None]:
    """Serve uploads to who connects to `listener`; `through` may stand between, as a bad network does."""
    async with open_channel(control_address) as channel:
        app = through(make_uploads(store, channel, settings=settings))
        async with serving(app, listener=listener):
            yield


async def main(control_address: str, store_url: str, listener: str) -> None:
    taken = socket.socket(fileno=int(listener))
    async with running_edge(control_address, open_store(store_url, load_settings().store), make_settings(), taken):
        await asyncio.Event().wait()


async def uploaded(store: ObjectStore) -> dict[str, bytes]:
    """Every upload in the store by its id: its parts in order, as the worker will read them."""
    films: dict[str, bytearray] = {}
    for item in await store.list("uploads"):
        _, upload_id, name = item.key.split("/")
        films.setdefault(upload_id, bytearray()).extend(await store.get(item.key) if name.isdecimal() else b"")
    return {upload_id: bytes(film) for upload_id, film in films.items()}


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
