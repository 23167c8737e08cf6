"""Bytes under keys. Where what lies is the matter of `matinee.layout`."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError

from matinee.buckets.bucket import Bucket
from matinee.errors import DataLoss, InvalidInput, NotFound
from matinee.storage import inventory
from matinee.storage.failures import let_in, translated

STREAM_BYTES = 8 * 1024**2
PART_BYTES = 8 * 1024**2
MOST_PARTS = 10_000
"""Of so many parts an object in a bucket can be made."""
PARTS_AT_ONCE = 4
NOTHING = "assets/none"
"""A prefix below which there is nothing."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store knows of an object: key, size in bytes, tag of its content, time of writing (epoch seconds)."""

    key: str
    size: int
    etag: str
    modified: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found where others choose the names: objects, and names that are of no use, as they can be shown.

    It is `whole` unless something may be there that was not seen: a folder was away, or a name is of no use.
    """

    objects: Sequence[StoredObject]
    unusable: Sequence[str] = ()
    whole: bool = True


class ObjectStore:
    """Bytes under keys. Every method raises `Unavailable` when the store cannot be reached; `DiskFull` when it is full.

    `folder` is where the objects lie as files, or `bucket` where they lie in one.
    """

    def __init__(
        self, backend: obstore.store.ObjectStore, folder: Path | None = None, bucket: Bucket | None = None
    ) -> None:
        self._backend = backend
        self._folder = folder
        self._bucket = bucket

    @property
    def place(self) -> str:
        """Where it is, for operators; without what is secret."""
        if self._bucket:
            return self._bucket.place
        return self._folder.as_uri() if self._folder else "memory://"

    async def check(self) -> None:
        """Look whether we are let in.

        Raises `NotFound` for a bucket that is not there, and `PermissionDenied` for one that is not for us.
        """
        with let_in(NOTHING):
            await obstore.list(self._backend, prefix=NOTHING).collect_async()

    async def put(self, key: str, data: bytes) -> None:
        """Write an object whole; readers see the old content or the new, never a part."""
        with translated(key):
            await obstore.put_async(self._backend, key, data, use_multipart=False)

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; answer whether it was written."""
        with translated(key):
            try:
                await obstore.put_async(self._backend, key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    async def put_file(self, key: str, path: Path) -> None:
        """Write a file's content as one object, without holding it in memory; in a bucket in parts of PART_BYTES."""
        size = (await asyncio.to_thread(path.stat)).st_size
        part = max(PART_BYTES, -(-size // MOST_PARTS))
        with translated(key):
            await obstore.put_async(self._backend, key, path, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    async def get(self, key: str) -> bytes:
        """Read an object whole. Raises `NotFound`."""
        with translated(key):
            result = await obstore.get_async(self._backend, key)
            return bytes(await result.bytes_async())

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes from `start` to before `end`. Raises `NotFound`; `DataLoss` when the body is short."""
        with translated(key):
            body = bytes(await obstore.get_range_async(self._backend, key, start=start, end=end))
        return _whole(body, key, end - start)

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Read an object from start to end in chunks of STREAM_BYTES, each by a request of its own.

        Raises `NotFound`, and `DataLoss` when it is replaced meanwhile.
        """
        found = await self.head(key)
        for start in range(0, found.size, STREAM_BYTES):
            yield await self._read(found, start, min(start + STREAM_BYTES, found.size))

    async def _read(self, found: StoredObject, start: int, end: int) -> bytes:
        with translated(found.key):
            result = await obstore.get_async(
                self._backend, found.key, options={"range": (start, end), "if_match": found.etag or None}
            )
            body = bytes(await result.bytes_async())
        return _whole(body, found.key, end - start)

    async def head(self, key: str) -> StoredObject:
        """Size and tag of an object. Raises `NotFound`."""
        with translated(key):
            meta = await obstore.head_async(self._backend, key)
        return _stored(meta)

    async def probe(self, service: str) -> None:
        """Look whether a service can write and read here: it has an object of its own for that."""
        key = f"health/{service}"
        await self.create(key, b"")
        await self.get(key)

    async def list(self, prefix: str, after: str | None = None) -> list[StoredObject]:
        """Every object below the prefix (whole path segments), ordered by key; of those only the keys past `after`."""
        with translated(prefix):
            found = await obstore.list(self._backend, prefix=prefix, offset=after).collect_async()
        return sorted(map(_stored, found), key=lambda item: item.key)

    async def survey(self, prefix: str) -> Survey:
        """As `list`, where others choose the names."""
        found = await asyncio.to_thread(inventory.of_folder, self._folder, prefix) if self._folder else None
        if found is None or not found.unusable:
            try:
                return Survey(await self.list(prefix), whole=found is None or not found.away)
            except InvalidInput:
                if self._bucket is None:
                    raise
                found = await asyncio.to_thread(inventory.of_bucket, self._bucket, prefix)
        objects = []
        for key in sorted(found.keys):
            with suppress(NotFound):
                objects.append(await self.head(key))
        return Survey(objects, found.unusable, whole=not found.unusable and not found.away)

    async def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        remaining = list(keys)
        # A bucket takes a thousand at a time, and does not mind those that it has not.
        batches = [[key] for key in remaining] if self._folder else [remaining]
        for batch in filter(None, batches):
            with translated(batch[0]), suppress(NotFoundError, FileNotFoundError):
                await obstore.delete_async(self._backend, batch)

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every object below the prefix; in a folder also what killed writers left of objects half written."""
        await self.delete(found.key for found in await self.list(prefix))
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder / prefix, ignore_errors=True)


def _whole(body: bytes, key: str, size: int) -> bytes:
    if len(body) != size:
        raise DataLoss(f"{key}: {size} bytes were asked for and {len(body)} came")
    return body


def _stored(meta: "obstore.ObjectMeta") -> StoredObject:
    return StoredObject(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"].timestamp())
