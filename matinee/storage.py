"""The object store: uploads, span results and media, in a folder or in a bucket. The only module that imports obstore.

Where what lies is the matter of `matinee.layout`.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError, InvalidPathError, NotFoundError, PreconditionError
from obstore.store import LocalStore, MemoryStore, S3Store

from matinee.buckets.bucket import Bucket, bucket
from matinee.errors import DataLoss, InvalidInput, NotFound, PermissionDenied, Unavailable
from matinee.settings import StoreSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

STREAM_BYTES = 8 * 1024**2
PART_BYTES = 8 * 1024**2
MOST_PARTS = 10_000
"""Of so many parts an object in a bucket can be made."""
PARTS_AT_ONCE = 4
FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(seconds=5)
FAILURES = (BaseError, FileNotFoundError)
"""What the library raises; what is not there it tells as Python does."""
NOTHING = "assets/none"
"""A prefix below which there is nothing."""
REFUSED = ("status code: 401", "status code: 403")
NO_BUCKET = "<Code>NoSuchBucket</Code>"
FULL = ("No space left on device", "Disk quota exceeded", "XMinioStorageFull", "QuotaExceeded")

_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
"""How an S3 server calls what is wrong."""

_PATH = re.compile('Error parsing Path "(.*?)": ', re.DOTALL)
"""Which name of somebody else's the library cannot read."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store knows of an object: key, size in bytes, tag of its content, time of writing (epoch seconds)."""

    key: str
    size: int
    etag: str
    modified: float


class ObjectStore:
    """Bytes under keys. Every method raises `Unavailable` when the store cannot be reached.

    `folder` is where the objects lie as files, if they do.
    """

    def __init__(self, backend: obstore.store.ObjectStore, folder: Path | None = None) -> None:
        self._backend = backend
        self._folder = folder

    async def check(self) -> None:
        """Look whether we are let in.

        Raises `NotFound` for a bucket that is not there, and `PermissionDenied` for one that is not for us.
        """
        try:
            await obstore.list(self._backend, prefix=NOTHING).collect_async()
        except FAILURES as error:
            if NO_BUCKET in str(error):
                raise NotFound("the bucket of store.url is not there: make it with `matinee storage setup`") from error
            if any(status in str(error) for status in REFUSED):
                mend = "check the keys in [store], and make it ready with `matinee storage setup`"
                raise PermissionDenied(f"the bucket of store.url refuses us ({_code(error)}): {mend}") from error
            raise _translated(error, NOTHING) from error

    async def put(self, key: str, data: bytes) -> None:
        """Write an object whole; readers see the old content or the new, never a part."""
        try:
            await obstore.put_async(self._backend, key, data, use_multipart=False)
        except FAILURES as error:
            raise _translated(error, key) from error

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; answer whether it was written."""
        try:
            await obstore.put_async(self._backend, key, data, mode="create")
        except AlreadyExistsError:
            return False
        except FAILURES as error:
            raise _translated(error, key) from error
        return True

    async def put_file(self, key: str, path: Path) -> None:
        """Write a file's content as one object, without holding it in memory; in a bucket in parts of PART_BYTES."""
        size = (await asyncio.to_thread(path.stat)).st_size
        part = max(PART_BYTES, -(-size // MOST_PARTS))
        try:
            await obstore.put_async(self._backend, key, path, chunk_size=part, max_concurrency=PARTS_AT_ONCE)
        except FAILURES as error:
            raise _translated(error, key) from error

    async def get(self, key: str) -> bytes:
        """Read an object whole. Raises `NotFound`."""
        try:
            result = await obstore.get_async(self._backend, key)
            return bytes(await result.bytes_async())
        except FAILURES as error:
            raise _translated(error, key) from error

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`. Raises `NotFound`; `DataLoss` when the body is short."""
        try:
            body = bytes(await obstore.get_range_async(self._backend, key, start=start, end=end))
        except FAILURES as error:
            raise _translated(error, key) from error
        return _whole(body, key, end - start)

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Read an object from start to end in chunks of STREAM_BYTES, each by a request of its own.

        Raises `NotFound`, and `DataLoss` when it is replaced meanwhile.
        """
        found = await self.head(key)
        for start in range(0, found.size, STREAM_BYTES):
            yield await self._read(found, start, min(start + STREAM_BYTES, found.size))

    async def _read(self, found: StoredObject, start: int, end: int) -> bytes:
        try:
            result = await obstore.get_async(
                self._backend, found.key, options={"range": (start, end), "if_match": found.etag or None}
            )
            body = bytes(await result.bytes_async())
        except FAILURES as error:
            raise _translated(error, found.key) from error
        return _whole(body, found.key, end - start)

    async def head(self, key: str) -> StoredObject:
        """Size and tag of an object. Raises `NotFound`."""
        try:
            meta = await obstore.head_async(self._backend, key)
        except FAILURES as error:
            raise _translated(error, key) from error
        return _stored(meta)

    async def probe(self, service: str) -> None:
        """Look whether a service can write and read here: it has an object of its own for that."""
        key = f"health/{service}"
        await self.create(key, b"")
        await self.get(key)

    async def list(self, prefix: str, after: str | None = None) -> list[StoredObject]:
        """Every object below the prefix (whole path segments), ordered by key; of those only the keys past `after`."""
        try:
            found = await obstore.list(self._backend, prefix=prefix, offset=after).collect_async()
        except FAILURES as error:
            raise _translated(error, prefix) from error
        return sorted(map(_stored, found), key=lambda item: item.key)

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        remaining = list(keys)
        # A bucket takes a thousand at a time, and does not mind those that it has not.
        for batch in [remaining] if self._folder is None else [[key] for key in remaining]:
            try:
                await obstore.delete_async(self._backend, batch)
            except (NotFoundError, FileNotFoundError):
                continue
            except FAILURES as error:
                raise _translated(error, batch[0]) from error

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every object below the prefix; in a folder also what killed writers left of objects half written."""
        await self.delete(found.key for found in await self.list(prefix))
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)


def open_store(url: str, settings: StoreSettings | None = None, *, create: bool = True) -> ObjectStore:
    """Open the store that a setting names: file:///path, s3://bucket/prefix or memory://.

    `settings` say how to reach a bucket. A folder that is not there is made, unless `create` is false; a bucket is
    the matter of `matinee.buckets.setup`. Raises `InvalidInput` for what cannot be opened.
    """
    if not url.startswith(("file://", "s3://", "memory://")):
        raise InvalidInput(f"store.url {url!r} is none of file://, s3:// and memory://")
    try:
        if url.startswith("file://"):
            return _open_folder(Path(unquote(urlsplit(url).path)), create=create)
        if url.startswith("s3://"):
            return ObjectStore(_open_bucket(bucket(settings or StoreSettings(), url)))
        return ObjectStore(MemoryStore())
    except (BaseError, OSError, ValueError) as error:
        raise InvalidInput(f"the object store {url} cannot be opened: {reason(error)}") from error


def _open_bucket(opened: Bucket) -> S3Store:
    config: S3Config = {
        "region": opened.region,
        "virtual_hosted_style_request": not opened.path_style,
        "checksum_algorithm": "SHA256",  # the server checks what arrives
    }
    if opened.endpoint:
        config["endpoint"] = opened.address
    if opened.keys:
        config["access_key_id"] = opened.keys.access_key_id
        config["secret_access_key"] = opened.keys.secret_access_key
        if opened.keys.session_token:
            config["session_token"] = opened.keys.session_token
    client: ClientConfig = {
        "timeout": timedelta(seconds=opened.timeout_seconds),
        "allow_http": opened.endpoint.startswith("http://"),
    }
    retries: RetryConfig = {
        "max_retries": opened.retries,
        "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE},
    }
    return S3Store(opened.name, prefix=opened.prefix, config=config, client_options=client, retry_config=retries)


def _open_folder(folder: Path, *, create: bool) -> ObjectStore:
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise InvalidInput(f"the object store's folder {folder} is not there")
    return ObjectStore(LocalStore(prefix=folder, automatic_cleanup=True), folder)


def _whole(body: bytes, key: str, size: int) -> bytes:
    if len(body) != size:
        raise DataLoss(f"{key}: {size} bytes were asked for and {len(body)} came")
    return body


def _stored(meta: "obstore.ObjectMeta") -> StoredObject:
    return StoredObject(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"].timestamp())


def _translated(error: Exception, key: str) -> Exception:
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
        return Unavailable("the object store is full; make room and try again")
    return Unavailable("the object store does not answer; try again")


def reason(error: BaseException) -> str:
    """What went wrong, in a line; what the library says below its first one is for its own makers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    line = str(error).partition("\n")[0].partition(": <?xml")[0]
    return f"{line}: {code}" if (code := _code(error)) else line


def _code(error: BaseException) -> str:
    code = _CODE.search(str(error))
    return code[1] if code else ""
