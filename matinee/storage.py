"""The object store: uploads, span results and media, in a folder or in a bucket. The only module that imports obstore.

Where what lies is the matter of `matinee.layout`.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url

from matinee.errors import DataLoss, InvalidInput, NotFound, Unavailable

STREAM_BYTES = 1024**2
FULL = ("No space left on device", "Disk quota exceeded")

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

    async def put(self, key: str, data: bytes) -> None:
        """Write an object whole; readers see the old content or the new, never a part."""
        try:
            await obstore.put_async(self._backend, key, data)
        except BaseError as error:
            raise _translated(error, key) from error

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; answer whether it was written."""
        try:
            await obstore.put_async(self._backend, key, data, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise _translated(error, key) from error
        return True

    async def put_file(self, key: str, path: Path) -> None:
        """Write a file's content as one object, without holding it in memory."""
        try:
            await obstore.put_async(self._backend, key, path)
        except BaseError as error:
            raise _translated(error, key) from error

    async def get(self, key: str) -> bytes:
        """Read an object whole. Raises `NotFound`."""
        try:
            result = await obstore.get_async(self._backend, key)
            return bytes(await result.bytes_async())
        except (BaseError, FileNotFoundError) as error:
            raise _translated(error, key) from error

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`. Raises `NotFound`; `DataLoss` when the body is short."""
        try:
            body = bytes(await obstore.get_range_async(self._backend, key, start=start, end=end))
        except (BaseError, FileNotFoundError) as error:
            raise _translated(error, key) from error
        if len(body) != end - start:
            raise DataLoss(f"{key}: {end - start} bytes were asked for and {len(body)} came")
        return body

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Read an object from start to end in chunks of about 1 MiB. Raises `NotFound`."""
        try:
            result = await obstore.get_async(self._backend, key)
            async for chunk in result.stream(min_chunk_size=STREAM_BYTES):
                yield bytes(chunk)
        except (BaseError, FileNotFoundError) as error:
            raise _translated(error, key) from error

    async def head(self, key: str) -> StoredObject:
        """Size and tag of an object. Raises `NotFound`."""
        try:
            meta = await obstore.head_async(self._backend, key)
        except (BaseError, FileNotFoundError) as error:
            raise _translated(error, key) from error
        return _stored(meta)

    async def list(self, prefix: str, after: str | None = None) -> list[StoredObject]:
        """Every object below the prefix (whole path segments), ordered by key; of those only the keys past `after`."""
        try:
            found = await obstore.list(self._backend, prefix=prefix, offset=after).collect_async()
        except BaseError as error:
            raise _translated(error, prefix) from error
        return sorted(map(_stored, found), key=lambda item: item.key)

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._backend, key)
            except (NotFoundError, FileNotFoundError):
                continue
            except BaseError as error:
                raise _translated(error, key) from error

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every object below the prefix; in a folder also what killed writers left of objects half written."""
        await self.delete(found.key for found in await self.list(prefix))
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)


def open_store(url: str, *, create: bool = True) -> ObjectStore:
    """Open the store that a setting names: file:///path, s3://bucket/prefix or memory://.

    A folder that is not there is made, unless `create` is false. Raises `InvalidInput` for what cannot be opened.
    """
    if not url.startswith(("file://", "s3://", "memory://")):
        raise InvalidInput(f"store.url {url!r} is none of file://, s3:// and memory://")
    try:
        if url.startswith("file://"):
            return _open_folder(Path(unquote(urlsplit(url).path)), create=create)
        return ObjectStore(MemoryStore() if url.startswith("memory://") else from_url(url))
    except (BaseError, OSError, ValueError) as error:
        raise InvalidInput(f"the object store {url} cannot be opened: {_reason(error)}") from error


def _open_folder(folder: Path, *, create: bool) -> ObjectStore:
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not folder.is_dir():
        raise InvalidInput(f"the object store's folder {folder} is not there")
    return ObjectStore(LocalStore(prefix=folder, automatic_cleanup=True), folder)


def _stored(meta: "obstore.ObjectMeta") -> StoredObject:
    return StoredObject(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"].timestamp())


def _translated(error: Exception, key: str) -> Exception:
    if isinstance(error, NotFoundError | FileNotFoundError):
        return NotFound(f"the object store has no {key}")
    # Viewers read the sentence of the error: addresses, folders and buckets are for the log alone.
    log.warning("the object store failed", key=key, reason=_reason(error))
    if any(sign in str(error) for sign in FULL):
        return Unavailable("the object store is full; make room and try again")
    return Unavailable("the object store does not answer; try again")


def _reason(error: Exception) -> str:
    """What went wrong, in a line; what the library says below its first one is for its own makers."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error).partition("\n")[0]
