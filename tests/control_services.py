"""Control as the gateway meets it: genuine gRPC services with a small catalogue in memory, on a unix socket."""
# ruff: noqa: N802 (gRPC names the methods)

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message

from matinee.errors import InvalidInput, MatineeError, NotFound, Unauthenticated
from matinee.rpc.call_errors import refuse
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import AUTHORIZATION_KEY, CLIENT_ADDRESS_KEY, SERVICE_TOKEN_KEY, USER_AGENT_KEY, WEBHOOK_KEYS
from matinee.rpc.server import Context, make_server
from matinee.tokens import SigningKey, jwks
from protos.v1 import (
    auth_pb2,
    auth_pb2_grpc,
    catalogue_pb2,
    catalogue_pb2_grpc,
    playback_pb2,
    playback_pb2_grpc,
    subscriptions_pb2,
    subscriptions_pb2_grpc,
)


class Calls:
    """What the services were asked, in order, and who asked."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.bearers: list[str | None] = []
        self.key = SigningKey.generate("first")
        """What access tokens are signed with."""
        self.introductions: list[tuple[Any, ...]] = []
        """The service token, and the address and the user agent of the client, that came with each call."""
        self.webhooks: list[Any] = []
        """The headers of a webhook that came with each call."""
        self.asked = asyncio.Event()
        self.failure: MatineeError | None = None
        """What every call fails with, when a test wants that."""
        self.gate: asyncio.Event | None = None
        """What every call waits for, when a test wants that."""

    async def note(self, request: Message, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        bearer = metadata.get(AUTHORIZATION_KEY)
        keys = (SERVICE_TOKEN_KEY, CLIENT_ADDRESS_KEY, USER_AGENT_KEY)
        self.introductions.append(tuple(metadata.get(key) for key in keys))
        self.webhooks.append({key: metadata[key] for key in WEBHOOK_KEYS if key in metadata})
        self.requests.append(request)
        self.asked.set()
        self.bearers.append(str(bearer) if bearer else None)
        if self.gate:
            await self.gate.wait()
        if self.failure:
            await refuse(context, self.failure)


class Auth(auth_pb2_grpc.AuthServiceServicer):
    """Sessions of one account, whose refresh tokens count up."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def GetKeys(self, request: auth_pb2.GetKeysRequest, context: Context) -> auth_pb2.GetKeysResponse:
        return auth_pb2.GetKeysResponse(jwks=jwks([self.calls.key]))

    async def Login(self, request: auth_pb2.LoginRequest, context: Context) -> auth_pb2.LoginResponse:
        await self.calls.note(request, context)
        if request.password != "correct":
            await refuse(context, Unauthenticated("the e-mail or the password is wrong"))
        return auth_pb2.LoginResponse(access_token="access-1", refresh_token="refresh-1", expires_in=900)

    async def Refresh(self, request: auth_pb2.RefreshRequest, context: Context) -> auth_pb2.RefreshResponse:
        await self.calls.note(request, context)
        if request.refresh_token != "refresh-1":
            await refuse(context, Unauthenticated("the session has ended"))
        return auth_pb2.RefreshResponse(access_token="access-2", refresh_token="refresh-2", expires_in=900)

    async def Logout(self, request: auth_pb2.LogoutRequest, context: Context) -> auth_pb2.LogoutResponse:
        await self.calls.note(request, context)
        return auth_pb2.LogoutResponse()

    async def GetAccount(self, request: auth_pb2.GetAccountRequest, context: Context) -> auth_pb2.GetAccountResponse:
        await self.calls.note(request, context)
        if not self.calls.bearers[-1]:
            await refuse(context, Unauthenticated("sign in first"))
        return auth_pb2.GetAccountResponse(account=auth_pb2.Account(email="ada@example.org", role=auth_pb2.ROLE_ADMIN))


class Catalogue(catalogue_pb2_grpc.CatalogueServiceServicer):
    """A catalogue with one title, `t1`."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def ListTitles(
        self, request: catalogue_pb2.ListTitlesRequest, context: Context
    ) -> catalogue_pb2.ListTitlesResponse:
        await self.calls.note(request, context)
        if request.page_token == "odd":
            await refuse(context, InvalidInput("the page token is not one of ours"))
        return catalogue_pb2.ListTitlesResponse()

    async def GetTitle(
        self, request: catalogue_pb2.GetTitleRequest, context: Context
    ) -> catalogue_pb2.GetTitleResponse:
        await self.calls.note(request, context)
        if request.title_id != "t1":
            await refuse(context, NotFound("there is no such title"))
        return catalogue_pb2.GetTitleResponse(title=catalogue_pb2.Title(title_id="t1", name="Solaris — Солярис"))

    async def UpdateTitle(
        self, request: catalogue_pb2.UpdateTitleRequest, context: Context
    ) -> catalogue_pb2.UpdateTitleResponse:
        await self.calls.note(request, context)
        title = catalogue_pb2.Title(title_id=request.title_id, name=request.name)
        return catalogue_pb2.UpdateTitleResponse(title=title)

    async def DeleteTitle(
        self, request: catalogue_pb2.DeleteTitleRequest, context: Context
    ) -> catalogue_pb2.DeleteTitleResponse:
        await self.calls.note(request, context)
        return catalogue_pb2.DeleteTitleResponse()

    async def GetPoster(self, request: catalogue_pb2.GetPosterRequest, context: Context) -> HttpBody:
        await self.calls.note(request, context)
        if request.version == "v1":
            context.set_trailing_metadata((("cache-control", "private, max-age=31536000"), ("etag", '"v1"')))
        return HttpBody(content_type="image/jpeg", data=b"\xff\xd8poster")

    async def SetPoster(
        self, request: catalogue_pb2.SetPosterRequest, context: Context
    ) -> catalogue_pb2.SetPosterResponse:
        await self.calls.note(request, context)
        return catalogue_pb2.SetPosterResponse()


class Subscriptions(subscriptions_pb2_grpc.SubscriptionServiceServicer):
    """Takes whatever a payment provider reports."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def ReceivePayment(
        self, request: subscriptions_pb2.ReceivePaymentRequest, context: Context
    ) -> subscriptions_pb2.ReceivePaymentResponse:
        await self.calls.note(request, context)
        return subscriptions_pb2.ReceivePaymentResponse()


class Playback(playback_pb2_grpc.PlaybackServiceServicer):
    """Playback of anything."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def Play(self, request: playback_pb2.PlayRequest, context: Context) -> playback_pb2.PlayResponse:
        await self.calls.note(request, context)
        return playback_pb2.PlayResponse(hls="https://films.example/main.m3u8", session_id="s1")


@asynccontextmanager
async def control(folder: Path, calls: Calls) -> AsyncIterator[Channel]:
    """A channel to the services, for as long as they run."""
    address = f"unix:{folder}/control.sock"
    server = make_server()
    auth_pb2_grpc.add_AuthServiceServicer_to_server(Auth(calls), server)  # type: ignore[abstract]
    catalogue_pb2_grpc.add_CatalogueServiceServicer_to_server(Catalogue(calls), server)  # type: ignore[abstract]
    subscriptions_pb2_grpc.add_SubscriptionServiceServicer_to_server(Subscriptions(calls), server)  # type: ignore[abstract]
    playback_pb2_grpc.add_PlaybackServiceServicer_to_server(Playback(calls), server)  # type: ignore[abstract]
    server.add_insecure_port(address)
    await server.start()
    channel = open_channel(address)
    try:
        yield channel
    finally:
        await channel.close()
        await server.stop(None)
