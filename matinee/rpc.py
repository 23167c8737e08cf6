"""gRPC between the services: channels, servers, and errors on the wire. The only module that imports grpc itself.

A caller spreads its calls over all controls that it finds at the address of control and that say that they serve
(grpc.health.v1). When one of them is gone, calls that may be made twice are made again at another; which they are
stands in `service_config.json` (https://grpc.io/docs/guides/service-config). Others fail, and their callers try again.

The service token, a secret of the house, goes along as metadata with every call of edge and worker; a person's access
token goes along as `authorization`. With calls that anybody may make, the edge tells the address and the user agent of
its client, the latter percent-encoded, and by which headers a webhook was signed. The id of the request goes along with
whatever is called for it. With bytes for a browser control may
tell, as trailing metadata, how they are kept.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from importlib.resources import files
from typing import Any, TypeAlias

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matinee import certificates, errors
from matinee.certificates import Certificates
from matinee.errors import InvalidInput, MatineeError
from matinee.settings import ControlSettings, Settings
from matinee.telemetry import request_ids, traces

SERVICE_TOKEN_KEY = "x-matinee-service"
AUTHORIZATION_KEY = "authorization"
CLIENT_ADDRESS_KEY = "x-matinee-client-address"
USER_AGENT_KEY = "x-matinee-user-agent"
WEBHOOK_KEYS = ("webhook-id", "webhook-timestamp", "webhook-signature")
CACHE_CONTROL_KEY = "cache-control"
ETAG_KEY = "etag"
STREAM_OPEN = (("x-matinee-stream", "open"),)
"""What a method that streams sends before anything else, so that its caller knows that it was not refused."""
END = grpc.aio.EOF
"""What reading gives at the end of a stream."""
LARGEST_MESSAGE = 16 * 1024**2

Channel = grpc.aio.Channel
Server = grpc.aio.Server
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
ServerInterceptor = grpc.aio.ServerInterceptor
RpcMethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
HandlerCallDetails = grpc.HandlerCallDetails
CallError = grpc.aio.AioRpcError

OPTIONS = [
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


SERVICE_CONFIG = (files("matinee") / "service_config.json").read_text()


log = structlog.get_logger()


class _RequestIds(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends the id of the request along, for which a call is made."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        if along := request_metadata():
            metadata = (*(client_call_details.metadata or ()), *along)
            client_call_details = client_call_details._replace(metadata=grpc.aio.Metadata(*metadata))
        return await continuation(client_call_details, request)


def open_control(settings: Settings) -> Channel:
    """The channel of edge and worker to control. Raises `InvalidInput` for certificates that cannot be used."""
    address = settings.control_address
    return open_channel(address, certificates.of_caller(settings.control, address), settings.control.server_name)


def open_channel(address: str, own: Certificates | None = None, server_name: str = "") -> Channel:
    """A channel to all controls at an address; it connects at the first call and reconnects by itself.

    With certificates it speaks TLS, with whoever has a certificate for `server_name`, or for the host in the address.
    """
    options = [*OPTIONS, ("grpc.service_config", SERVICE_CONFIG)]
    interceptors = [_RequestIds(), *traces.client_interceptors()]
    if own is None:
        return grpc.aio.insecure_channel(target(address), options, interceptors=interceptors)
    if server_name:
        options.append(("grpc.default_authority", server_name))
    credentials = grpc.ssl_channel_credentials(own.authority, own.private_key or None, own.chain or None)
    return grpc.aio.secure_channel(target(address), credentials, options, interceptors=interceptors)


def target(address: str) -> str:
    """What gRPC calls an address: host:port, unix:/path, dns:///host:port, or IP addresses of one family."""
    if "," not in address:
        return address
    return f"{'ipv6' if address.startswith('[') else 'ipv4'}:{address}"


def make_server(interceptors: Sequence[ServerInterceptor] = ()) -> Server:
    """A gRPC server without services."""
    return grpc.aio.server(interceptors=[*traces.server_interceptors(), *interceptors], options=OPTIONS)


def request_metadata() -> tuple[tuple[str, str], ...]:
    """The id of the request that is being worked on, for a call that streams; the others have it by themselves."""
    request_id = request_ids.current()
    return ((request_ids.KEY, request_id),) if request_id else ()


def listen(server: Server, control: ControlSettings, address: str) -> None:
    """Have a server listen on an address, with TLS where there is a certificate.

    A renewed certificate is taken up with the next connection. Raises `InvalidInput` for certificates that cannot be
    used, `Unavailable` when the address is taken.
    """
    own = certificates.of_control(control, address)
    try:
        bound = (
            server.add_secure_port(address, _renewed(own, lambda: certificates.of_control(control, address)))
            if own
            else server.add_insecure_port(address)
        )
    except RuntimeError as error:
        raise errors.Unavailable(f"control cannot listen on {address}: is another one running there?") from error
    if not bound:
        raise errors.Unavailable(f"control cannot listen on {address}")


def _renewed(own: Certificates, read: Callable[[], Certificates | None]) -> grpc.ServerCredentials:
    latest = own

    def renew() -> grpc.ServerCertificateConfiguration:
        nonlocal latest
        try:
            latest = read() or latest
        except InvalidInput as error:  # they may be half written; those from before go on
            log.warning("the certificates cannot be read anew", reason=str(error))
        return _configured(latest)

    return grpc.dynamic_ssl_server_credentials(_configured(own), renew, bool(own.authority))


def _configured(own: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(own.private_key, own.chain)], own.authority or None)


def surrounded(
    handler: RpcMethodHandler, around: Callable[[Context], AbstractAsyncContextManager[None]]
) -> RpcMethodHandler:
    """The same handler, with each call made inside `around`; not for a method that is streamed to alone."""
    behaviour: Any = handler.stream_stream or handler.unary_stream or handler.unary_unary
    if handler.response_streaming:

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with around(context), aclosing(behaviour(request, context)) as responses:
                async for response in responses:
                    yield response

        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        return make(stream, handler.request_deserializer, handler.response_serializer)

    async def call(request: Any, context: Context) -> Any:
        async with around(context):
            return await behaviour(request, context)

    return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)


def service_metadata(service_token: str) -> tuple[tuple[str, str], ...]:
    """The metadata by which a service of the house shows that it is one."""
    return ((SERVICE_TOKEN_KEY, service_token),)


def status_code(error: MatineeError) -> grpc.StatusCode:
    """The gRPC status of an error."""
    return next(code for code in grpc.StatusCode if code.value[0] == error.status.grpc)


def code_name(context: Context) -> str:
    """The name of the status with which a call was answered, such as OK or NOT_FOUND."""
    code: Any = context.code()  # a number where it was set by us, and 0 or nothing where it was not
    if isinstance(code, grpc.StatusCode):
        return str(code.name)
    return next((str(each.name) for each in grpc.StatusCode if each.value[0] == (code or 0)), "UNKNOWN")


def from_call_error(error: CallError) -> MatineeError:
    """The error that a call's failure stands for; a missed deadline and a lost or stopping peer are `Unavailable`."""
    if error.code() is grpc.StatusCode.CANCELLED:  # not by us: who cancels a call of its own hears `CancelledError`
        return errors.Unavailable("control is stopping; try again")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.Unavailable("control took too long to answer; try again")
    if error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in (error.details() or ""):
        return errors.Unavailable("control cannot be reached; try again")
    return errors.by_grpc(error.code().value[0])(error.details() or error.code().name)


async def is_serving(channel: Channel, seconds: float = 1) -> bool:
    """Whether the server at the other end answers and says that it serves (grpc.health.v1)."""
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=seconds)
    except CallError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turns failures of calls made inside into errors of `matinee.errors`."""
    try:
        yield
    except CallError as error:
        raise from_call_error(error) from error
