"""The errors of every room.

    MatineeError
    ├── InvalidInput         what was given cannot be used as it is
    │   └── SourceRefused    a film that ingest will not take, with the reason
    ├── Unauthenticated      nobody, or somebody with a bad credential
    │   └── Expired          one that was good once
    ├── PermissionDenied     somebody, but not allowed
    ├── NotFound             no such thing
    ├── Conflict             the state of the thing forbids it (a stale fencing token, a lost race)
    ├── ResourceExhausted    a quota or a limit is reached
    ├── Unavailable          try again later
    │   ├── DiskFull         there is no room to write, on a disk of ours or in the object store
    │   └── Misconfigured    machines that work together are set up in different ways
    ├── Cancelled            somebody asked for it to stop
    └── DataLoss             bytes are missing or not what they were

An error's text is one sentence for the person who reads it, and says what to do where there is something to do.
Each class carries its canonical status, so that the mapping to gRPC, HTTP and exit codes lives in one place.
"""

from enum import Enum, StrEnum


class Status(Enum):
    """A canonical status: its gRPC code (google.rpc.Code), HTTP status and exit code of the command line."""

    CANCELLED = (1, 499, 130)
    INTERNAL = (13, 500, 70)
    INVALID_ARGUMENT = (3, 400, 65)
    NOT_FOUND = (5, 404, 66)
    PERMISSION_DENIED = (7, 403, 77)
    RESOURCE_EXHAUSTED = (8, 429, 75)
    FAILED_PRECONDITION = (9, 409, 73)
    UNAVAILABLE = (14, 503, 69)
    DATA_LOSS = (15, 500, 74)
    UNAUTHENTICATED = (16, 401, 77)

    def __init__(self, grpc: int, http: int, exit_code: int) -> None:
        self.grpc = grpc
        self.http = http
        self.exit_code = exit_code


class Cause(StrEnum):
    """What is in the way of a film, where its viewer can do something about it; `reason` in google.rpc.ErrorInfo."""

    PLAN_REQUIRED = "PLAN_REQUIRED"
    TITLE_UNAVAILABLE = "TITLE_UNAVAILABLE"
    SIGNED_OUT = "SIGNED_OUT"


class MatineeError(Exception):
    """Anything that Matinee refuses or fails at, with one sentence that says why.

    `retry_seconds` is for how long it makes no sense to try again, where that is known, `cause` the name of a `Cause`.
    """

    status = Status.INTERNAL

    def __init__(self, sentence: str = "", *, retry_seconds: float | None = None, cause: str = "") -> None:
        super().__init__(sentence)
        self.retry_seconds = retry_seconds
        self.cause = cause


class InvalidInput(MatineeError):
    """What was given cannot be used as it is."""

    status = Status.INVALID_ARGUMENT


class SourceRefused(InvalidInput):
    """A film that ingest will not take; the text names the reason."""


class Unauthenticated(MatineeError):
    """No credential, or one that does not verify."""

    status = Status.UNAUTHENTICATED


class Expired(Unauthenticated):
    """A credential that was good until its time was over."""


class PermissionDenied(MatineeError):
    """A good credential that does not allow this."""

    status = Status.PERMISSION_DENIED


class NotFound(MatineeError):
    """There is no such thing, or not for this caller."""

    status = Status.NOT_FOUND


class Conflict(MatineeError):
    """The state of the thing forbids it: a stale fencing token, a finished job, a lost race."""

    status = Status.FAILED_PRECONDITION


class ResourceExhausted(MatineeError):
    """A quota or a limit is reached."""

    status = Status.RESOURCE_EXHAUSTED


class Unavailable(MatineeError):
    """A component that is needed does not answer; the same call may succeed later."""

    status = Status.UNAVAILABLE


class DiskFull(Unavailable):
    """There is no room to write, on a disk of ours or in the object store; the text says where."""


class Misconfigured(Unavailable):
    """Machines that work together are set up in different ways; the text says which, and how."""


class Cancelled(MatineeError):
    """Somebody asked for the work to stop."""

    status = Status.CANCELLED


class DataLoss(MatineeError):
    """Bytes are missing, or are not what they were when they were written."""

    status = Status.DATA_LOSS


_KINDS = (
    MatineeError,
    InvalidInput,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    Conflict,
    ResourceExhausted,
    Unavailable,
    Cancelled,
    DataLoss,
)
# Of those that share a status the first counts: a 500 tells no more than that something failed.
_BY_GRPC = {kind.status.grpc: kind for kind in reversed(_KINDS)}
_BY_HTTP = {kind.status.http: kind for kind in reversed(_KINDS)}


def by_grpc(code: int) -> type[MatineeError]:
    """The error that a code of google.rpc.Code stands for; `MatineeError` for one that we do not use."""
    return _BY_GRPC.get(code, MatineeError)


def by_http(status: int) -> type[MatineeError]:
    """The error that an HTTP status stands for; an unknown one counts as the x00 of its class (RFC 9110, 15)."""
    return _BY_HTTP.get(status) or _BY_HTTP.get(status // 100 * 100, MatineeError)
