"""Errors on the wire: how control refuses a call, and what a failed call stands for where it was made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import grpc

from matinee import errors
from matinee.errors import MatineeError
from matinee.rpc import error_details
from matinee.rpc.server import Context

UNHEALTHY = "backend unhealthy"
"""What gRPC calls a server that says that it does not serve."""

CallError = grpc.aio.AioRpcError


def status_code(error: MatineeError) -> grpc.StatusCode:
    """The gRPC status of an error."""
    return next(code for code in grpc.StatusCode if code.value[0] == error.status.grpc)


async def refuse(context: Context, error: MatineeError) -> NoReturn:
    """End a call with the status of an error, its sentence, and what else is known of it."""
    await context.abort(status_code(error), str(error), error_details.details(error))


def from_call_error(error: CallError) -> MatineeError:
    """The error that a call's failure stands for; a missed deadline and a lost or stopping peer are `Unavailable`."""
    if error.code() is grpc.StatusCode.CANCELLED:  # not by us: who cancels a call of its own hears `CancelledError`
        return errors.Unavailable("control is stopping; try again")
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.Unavailable("control took too long to answer; try again")
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE and UNHEALTHY in details:
        return errors.Unavailable("control does not serve at present; try again")
    trailing = error.trailing_metadata()
    if error.code() is grpc.StatusCode.UNAVAILABLE and not error_details.is_ours(trailing):
        return errors.Unavailable("control cannot be reached; try again")
    kind = errors.by_grpc(error.code().value[0])
    retry_seconds, cause = error_details.retry_seconds(trailing), error_details.cause(trailing)
    return kind(details or error.code().name, retry_seconds=retry_seconds, cause=cause)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turns failures of calls made inside into errors of `matinee.errors`."""
    try:
        yield
    except CallError as error:
        raise from_call_error(error) from error
