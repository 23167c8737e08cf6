"""The door of every method: who may call it, and how a failure is answered.

Each method states in its contract who may call it (`option (access)`); a method that states nothing is refused. Health
and reflection, which hold no secret, are open.
"""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote

import structlog
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from typing_extensions import override

from control.callers import Caller, calling, calling_from, calling_with
from matinee.errors import MatineeError, PermissionDenied, Unauthenticated
from matinee.rpc.call_errors import refuse, status_code
from matinee.rpc.metadata import AUTHORIZATION_KEY, CLIENT_ADDRESS_KEY, SERVICE_TOKEN_KEY, USER_AGENT_KEY
from matinee.rpc.server import Context, HandlerCallDetails, RpcMethodHandler, ServerInterceptor, surrounded
from matinee.telemetry import request_ids
from protos.v1 import access_pb2
from protos.v1.access_pb2 import ACCESS_PUBLIC, ACCESS_SERVICE, ACCESS_UNSPECIFIED, Access

OPEN_SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
}
BEARER = "bearer "

Metadata = Mapping[str, str | bytes]
Authenticate = Callable[[str], Awaitable[Caller]]
"""Finds who an access token is of, or raises `Unauthenticated`."""

log = structlog.get_logger()


class Guard(ServerInterceptor):
    """Lets a call pass to its method, or refuses it."""

    def __init__(
        self, access: Mapping[str, "Access.ValueType"], service_token: str, authenticate: Authenticate
    ) -> None:
        self._access = access
        self._service_token = service_token.encode()
        self._authenticate = authenticate

    @override
    async def intercept_service(
        self,
        continuation: Callable[[HandlerCallDetails], "Awaitable[RpcMethodHandler | None]"],
        handler_call_details: HandlerCallDetails,
    ) -> "RpcMethodHandler | None":
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.split("/")[1] in OPEN_SERVICES:
            return handler
        return surrounded(handler, lambda context: self._answering(method, context))

    @asynccontextmanager
    async def _answering(self, method: str, context: Context) -> AsyncIterator[None]:
        try:
            metadata = dict(context.invocation_metadata() or ())
            request_ids.begin(request_ids.taken({request_ids.KEY: _text(metadata, request_ids.KEY)}))
            calling_from.set(self._client_address(metadata, context.peer()))
            calling_with.set(unquote(self._told(metadata, USER_AGENT_KEY)))
            calling.set(await self._admitted(self._access.get(method, ACCESS_UNSPECIFIED), metadata))
            yield
        except MatineeError as error:
            await refuse(context, error)
        except Exception:
            log.exception("a call failed", method=method)
            await context.abort(status_code(MatineeError()), "something went wrong here; the log of control says what")

    async def _admitted(self, access: "Access.ValueType", metadata: Metadata) -> Caller | None:
        if access == ACCESS_PUBLIC:
            return await self._recognised(metadata)
        if access == ACCESS_SERVICE:
            self._check_service(metadata)
            return None
        person = await self._person(metadata)
        if not person.may(access):
            raise PermissionDenied("your account does not allow this")
        return person

    async def _recognised(self, metadata: Metadata) -> Caller | None:
        """Who calls what anybody may call; nobody, when the token is not good."""
        try:
            return await self._person(metadata)
        except Unauthenticated:
            return None

    async def _person(self, metadata: Metadata) -> Caller:
        authorization = _text(metadata, AUTHORIZATION_KEY)
        if not authorization.lower().startswith(BEARER):
            raise Unauthenticated("sign in first")
        return await self._authenticate(authorization[len(BEARER) :].strip())

    def _check_service(self, metadata: Metadata) -> None:
        if not self._is_service(metadata):
            raise PermissionDenied(
                "only services of this instance may call this, which have its secret (control.secret_file)"
            )

    def _is_service(self, metadata: Metadata) -> bool:
        return hmac.compare_digest(_text(metadata, SERVICE_TOKEN_KEY).encode(), self._service_token)

    def _client_address(self, metadata: Metadata, peer: str) -> str:
        """The address that a service of the house names; else that of the peer itself, who could name any."""
        return self._told(metadata, CLIENT_ADDRESS_KEY) or host_of(peer)

    def _told(self, metadata: Metadata, key: str) -> str:
        """What a service of the house says of its client; empty when anybody else says it."""
        told = _text(metadata, key)
        return told if told and self._is_service(metadata) else ""


def access_of(services: Iterable[ServiceDescriptor]) -> dict[str, "Access.ValueType"]:
    """The `access` option of every method, by its path: /matinee.v1.JobService/ListJobs."""
    return {
        f"/{service.full_name}/{method.name}": method.GetOptions().Extensions[access_pb2.access]
        for service in services
        for method in service.methods
    }


def services_of(files: Iterable[FileDescriptor]) -> list[ServiceDescriptor]:
    """The services that contracts declare."""
    return [service for file in files for service in file.services_by_name.values()]


def host_of(peer: str) -> str:
    """The IP address in what gRPC calls a peer, such as ipv4:192.0.2.1:5000; unix for one on a unix socket."""
    return unquote(peer).removeprefix("ipv4:").removeprefix("ipv6:").rpartition(":")[0].strip("[]")


def _text(metadata: Metadata, key: str) -> str:
    value = metadata.get(key, "")
    return value if isinstance(value, str) else ""
