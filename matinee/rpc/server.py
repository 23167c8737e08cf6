"""Servers of gRPC, and the calls that they answer."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeAlias

import grpc

from matinee.errors import Unavailable
from matinee.rpc import credentials
from matinee.rpc.options import OPTIONS
from matinee.settings import ControlSettings
from matinee.telemetry import traces
from matinee.telemetry.expiries import Expiries

Server = grpc.aio.Server
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
ServerInterceptor = grpc.aio.ServerInterceptor
RpcMethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
HandlerCallDetails = grpc.HandlerCallDetails


def make_server(interceptors: Sequence[ServerInterceptor] = ()) -> Server:
    """A gRPC server without services."""
    return grpc.aio.server(interceptors=[*traces.server_interceptors(), *interceptors], options=OPTIONS)


def listen(server: Server, control: ControlSettings, address: str, expiries: Expiries | None = None) -> None:
    """Have a server listen on an address, with TLS where there is a certificate; `expiries` tell of it.

    A renewed certificate is taken up with the next connection. Raises `InvalidInput` for certificates that cannot be
    used, `Unavailable` when the address is taken.
    """
    shown = credentials.of_control(control, address, expiries)
    try:
        bound = server.add_secure_port(address, shown) if shown else server.add_insecure_port(address)
    except RuntimeError as error:
        raise Unavailable(f"control cannot listen on {address}: is another one running there?") from error
    if not bound:
        raise Unavailable(f"control cannot listen on {address}")


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


def code_name(context: Context) -> str:
    """The name of the status with which a call was answered, such as OK or NOT_FOUND."""
    code: Any = context.code()  # a number where it was set by us, and 0 or nothing where it was not
    if isinstance(code, grpc.StatusCode):
        return str(code.name)
    return next((str(each.name) for each in grpc.StatusCode if each.value[0] == (code or 0)), "UNKNOWN")
