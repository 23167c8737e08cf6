"""Channels to control.

A caller spreads its calls over all controls that it finds at the address of control and that say that they serve
(grpc.health.v1). When one of them is gone, calls that may be made twice are made again at another; which they are
stands in `service_config.json` (https://grpc.io/docs/guides/service-config). Others fail, and their callers try again.
"""

from importlib.resources import files
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matinee import certificates
from matinee.certificates import Certificates
from matinee.rpc import credentials
from matinee.rpc.call_errors import CallError
from matinee.rpc.metadata import request_metadata
from matinee.rpc.options import OPTIONS
from matinee.settings import Settings
from matinee.telemetry import traces
from matinee.telemetry.expiries import Expiries

END = grpc.aio.EOF
"""What reading gives at the end of a stream."""
SERVICE_CONFIG = (files("matinee") / "service_config.json").read_text()

Channel = grpc.aio.Channel


class _RequestIds(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends the id of the request along, for which a call is made."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        if along := request_metadata():
            metadata = (*(client_call_details.metadata or ()), *along)
            client_call_details = client_call_details._replace(metadata=grpc.aio.Metadata(*metadata))
        return await continuation(client_call_details, request)


def open_control(settings: Settings, expiries: Expiries | None = None) -> Channel:
    """The channel of edge and worker to control; `expiries` tell of their certificates.

    Raises `InvalidInput` for certificates that cannot be used.
    """
    address = settings.control_address
    own = certificates.of_caller(settings.control, address)
    if own and expiries:
        certificates.show_ends(expiries, lambda: own)
    return open_channel(address, own, settings.control.server_name)


def open_channel(address: str, own: Certificates | None = None, server_name: str = "") -> Channel:
    """A channel to all controls at an address; it connects at the first call and reconnects by itself.

    With certificates it speaks TLS, with whoever has a certificate for `server_name`, or for the host in the address.
    """
    # A proxy that the environment names would be told the secret.
    options = [*OPTIONS, ("grpc.service_config", SERVICE_CONFIG), ("grpc.enable_http_proxy", 0)]
    interceptors = [_RequestIds(), *traces.client_interceptors()]
    if own is None:
        return grpc.aio.insecure_channel(target(address), options, interceptors=interceptors)
    if server_name:
        options.append(("grpc.default_authority", server_name))
    return grpc.aio.secure_channel(target(address), credentials.of_caller(own), options, interceptors=interceptors)


def target(address: str) -> str:
    """What gRPC calls an address: host:port, unix:/path, dns:///host:port, or IP addresses of one family."""
    if "," not in address:
        return address
    return f"{'ipv6' if address.startswith('[') else 'ipv4'}:{address}"


async def is_serving(channel: Channel, seconds: float = 1) -> bool:
    """Whether the server at the other end answers and says that it serves (grpc.health.v1)."""
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=seconds)
    except CallError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
