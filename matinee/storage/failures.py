"""What the object store's library raises, in errors of ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from obstore.exceptions import BaseError, InvalidPathError, NotFoundError, PreconditionError

from matinee.errors import DataLoss, DiskFull, InvalidInput, MatineeError, NotFound, PermissionDenied, Unavailable

FAILURES = (BaseError, FileNotFoundError)
"""What the library raises; what is not there it tells as Python does."""
REFUSED = ("status code: 401", "status code: 403")
NO_BUCKET = "<Code>NoSuchBucket</Code>"
FULL = ("No space left on device", "Disk quota exceeded", "XMinioStorageFull", "QuotaExceeded")

_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
"""How an S3 server calls what is wrong."""

_PATH = re.compile('Error parsing Path "(.*?)": ', re.DOTALL)
"""Which name of somebody else's the library cannot read."""

log = structlog.get_logger()


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Turns what is raised inside, about this key, into errors of `matinee.errors`."""
    try:
        yield
    except FAILURES as error:
        raise _failure(error, key) from error


@contextmanager
def let_in(key: str) -> Iterator[None]:
    """The same for who looks whether there is a bucket, and whether it is for us: `NotFound`, `PermissionDenied`."""
    try:
        yield
    except FAILURES as error:
        if NO_BUCKET in str(error):
            raise NotFound("the bucket of store.url is not there: make it with `matinee storage setup`") from error
        if any(status in str(error) for status in REFUSED):
            mend = "check the keys in [store], and make it ready with `matinee storage setup`"
            raise PermissionDenied(f"the bucket of store.url refuses us ({_code(error)}): {mend}") from error
        raise _failure(error, key) from error


def reason(error: BaseException) -> str:
    """What went wrong, in a line; what the library says below its first one is for its own makers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    line = str(error).partition("\n")[0].partition(": <?xml")[0]
    return f"{line}: {code}" if (code := _code(error)) else line


def _failure(error: Exception, key: str) -> MatineeError:
    if isinstance(error, NotFoundError | FileNotFoundError) and NO_BUCKET not in str(error):
        return NotFound(f"the object store has no {key}")
    if isinstance(error, PreconditionError):
        return DataLoss(f"{key} was replaced while it was read")
    if isinstance(error, InvalidPathError):
        name = found[1] if (found := _PATH.search(str(error))) else key
        return InvalidInput(f"the store has an object whose name cannot be used, {name!r}: rename it")
    # Viewers read the sentence of the error: addresses, folders and buckets are for the log alone.
    log.warning("the object store failed", key=key, reason=reason(error))
    if any(sign in str(error) for sign in FULL):
        return DiskFull("the object store is full; make room and try again")
    return Unavailable("the object store does not answer; try again")


def _code(error: BaseException) -> str:
    code = _CODE.search(str(error))
    return code[1] if code else ""
