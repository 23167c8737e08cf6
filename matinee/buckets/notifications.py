"""What a bucket tells of new objects, as MinIO does. The only module that imports minio."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import Any

import urllib3
from minio import Minio
from minio.credentials.providers import AWSConfigProvider, ChainedProvider, EnvAWSProvider
from minio.error import MinioException, S3Error

from matinee.buckets.bucket import Bucket
from matinee.errors import InvalidInput, Unavailable

CREATED = ("s3:ObjectCreated:*",)
LISTEN_SECONDS = 10.0
"""How long a server may say nothing at all. MinIO gives a sign of life twice a second; but since its pull request 21651
it holds back whatever it says until that is 4 KiB, and what it was about to tell is lost with the connection."""
CANNOT_TELL = {"NotImplemented", "MethodNotAllowed", "InvalidArgument", "InvalidRequest"}


class _Connections(urllib3.PoolManager):
    """Connections whose answers can be broken off from another thread: the newest, and any that is still to come."""

    _answer: urllib3.BaseHTTPResponse | None = None
    _broken_off = False

    def urlopen(self, *arguments: Any, **named: Any) -> urllib3.BaseHTTPResponse:
        """Ask, and remember the answer. Raises `HTTPError` for one that came too late."""
        self._answer = answer = super().urlopen(*arguments, **named)
        if self._broken_off:
            answer.close()
            raise urllib3.exceptions.HTTPError("we have hung up")
        return answer

    def break_off(self) -> None:
        """End the reading of the answer, if it has begun; none is begun any more."""
        self._broken_off = True
        with suppress(ValueError, RuntimeError, OSError):  # it has ended by itself
            if self._answer:
                self._answer.shutdown()


class Notifications:
    """Tells of objects that are written below `path` of the object store; for one thread at a time.

    What is written while nobody listens is not told.
    """

    def __init__(self, bucket: Bucket, path: str) -> None:
        scheme, _, self._host = bucket.endpoint.partition("://")
        keys = bucket.keys
        self._bucket = bucket.name
        self._prefix = bucket.key(f"{path}/")
        self._connections = _Connections(
            timeout=urllib3.Timeout(connect=bucket.timeout_seconds, read=LISTEN_SECONDS), retries=False
        )
        self._client = Minio(
            self._host or "s3.amazonaws.com",
            access_key=keys.access_key_id if keys else None,
            secret_key=keys.secret_access_key if keys else None,
            session_token=(keys.session_token or None) if keys else None,
            secure=scheme != "http",
            region=bucket.region,
            credentials=None if keys else ChainedProvider([EnvAWSProvider(), AWSConfigProvider()]),
            http_client=self._connections,
        )
        self._waiting = Lock()
        self._closed = False
        self._listening = ExitStack()
        self._events: Iterator[Any] | None = None

    def wait(self) -> None:
        """Wait until something is written, or the server has held back for LISTEN_SECONDS what may tell of it.

        Raises `InvalidInput` when the server cannot tell, `Unavailable` when it is away.
        """
        if not self._host:
            raise InvalidInput("Amazon does not tell of new objects by this call")
        try:
            with self._waiting:
                self._next()
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Hang up; a thread that waits does so within LISTEN_SECONDS, and raises `Unavailable`."""
        self._closed = True
        self._connections.break_off()
        if self._waiting.acquire(blocking=False):
            self._hang_up()
            self._waiting.release()

    def _next(self) -> None:
        with self._translated():
            if self._events is None:
                told = self._client.listen_bucket_notification(self._bucket, self._prefix, events=CREATED)
                self._events = iter(self._listening.enter_context(told))
            try:
                next(self._events)
            except urllib3.exceptions.ReadTimeoutError:
                self._hang_up()

    def _hang_up(self) -> None:
        self._events = None
        self._listening.close()
        self._connections.clear()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            self._hang_up()
            words = f"the S3 server answers {error.code}: {error.message}"
            raise (InvalidInput if error.code in CANNOT_TELL else Unavailable)(words) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._hang_up()
            raise Unavailable(f"the S3 server does not answer: {error}") from error
