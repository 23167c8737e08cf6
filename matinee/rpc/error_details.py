"""What goes along with the status of a refused call: google.rpc.Status, with when to make it again and why (AIP-193).

It lies in the trailing metadata, where every gRPC library looks for details. A status without it is none of ours: gRPC
itself makes one of a connection that is lost, or of a name without an address.
"""

from collections.abc import Iterable

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from matinee.errors import MatineeError

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "matinee"

Metadata = Iterable[tuple[str, str | bytes]]


def details(error: MatineeError) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that say of an error that it is ours and, where it says so, when to try again and why."""
    status = Status(code=error.status.grpc, message=str(error))
    if error.retry_seconds is not None:
        delay = Duration()
        delay.FromMilliseconds(round(error.retry_seconds * 1_000))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    if error.cause:
        status.details.add().Pack(ErrorInfo(reason=error.cause, domain=DOMAIN))
    return ((DETAILS_KEY, status.SerializeToString()),)


def is_ours(trailing: Metadata) -> bool:
    """Whether control has said what these metadata go along with."""
    return any(key == DETAILS_KEY for key, _ in trailing)


def retry_seconds(trailing: Metadata) -> float | None:
    """The seconds to wait that trailing metadata tell of; None when they tell of none."""
    info = RetryInfo()
    told = any(detail.Unpack(info) for detail in _details(trailing))
    return float(info.retry_delay.ToMilliseconds() / 1_000) if told else None


def cause(trailing: Metadata) -> str:
    """The cause that trailing metadata tell of; empty when they tell of none."""
    info = ErrorInfo()
    told = any(detail.Unpack(info) for detail in _details(trailing))
    return info.reason if told and info.domain == DOMAIN else ""


def _details(trailing: Metadata) -> list[Any]:
    status = next((value for key, value in trailing if key == DETAILS_KEY and isinstance(value, bytes)), b"")
    try:
        return list(Status.FromString(status).details)
    except DecodeError:  # of no server of ours
        return []
