"""The source, fetched from the parts in which it was uploaded, and checked against what the client declared."""

import asyncio
import platform
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from ingest.download import download
from matinee.errors import DataLoss, DiskFull, NotFound, SourceRefused
from matinee.layout import drop_id, part_offset, upload_prefix
from matinee.storage.object_store import ObjectStore, StoredObject
from protos.v1.jobs_pb2 import JobLease

MB = 1e6


async def fetch(store: ObjectStore, terms: JobLease, destination: Path, reach: Callable[[float], None]) -> str:
    """Write the uploaded film to `destination` and return its SHA-256 in hex; `reach` hears what part is done.

    Raises `SourceRefused` when it is empty or not as declared, or when it was dropped and is there no more; `DataLoss`
    when a part is missing or short; `DiskFull` when it is larger than the room for it.
    """
    found = [await _dropped(store, terms)] if terms.source_key else await _parts(store, terms)
    if terms.size_bytes and not found:  # as in a folder that is not mounted
        raise DataLoss("the upload has no part at byte 0")
    refuse_size(sum(part.size for part in found), terms.size_bytes)
    await asyncio.to_thread(refuse_without_room, terms.size_bytes, destination.parent)
    sha256 = await download(_content(store, found, reach), destination)
    refuse_digest(sha256, terms.sha256)
    return sha256


async def _parts(store: ObjectStore, terms: JobLease) -> list[StoredObject]:
    return parts(await store.list(upload_prefix(terms.upload_id)))


async def _dropped(store: ObjectStore, terms: JobLease) -> StoredObject:
    """The object that was dropped. Raises `SourceRefused` when it is gone, or another is in its place."""
    try:
        found = await store.head(terms.source_key)
    except NotFound as error:
        raise SourceRefused(f"{terms.source_key} was removed before it was read: drop it there again") from error
    if drop_id(found.key, found.etag, found.size, found.modified) != terms.upload_id:
        raise SourceRefused(f"{terms.source_key} was replaced before it was read: the new one has a job of its own")
    return found


def parts(found: Iterable[StoredObject]) -> list[StoredObject]:
    """The parts of an upload, in order. Raises `DataLoss` when one is missing."""
    placed = [part for part in found if part_offset(part.key) is not None]
    offset = 0
    for part in placed:
        if part_offset(part.key) != offset:
            raise DataLoss(f"the upload has no part at byte {offset}")
        offset += part.size
    return placed


def refuse_size(size: int, declared: int) -> None:
    """Raises `SourceRefused` for an empty file, and for one that is not as long as declared."""
    if size == 0:
        raise SourceRefused("the file is empty")
    if size != declared:
        raise SourceRefused(f"{declared} bytes were declared and {size} arrived: upload the file again")


def refuse_without_room(size: int, folder: Path) -> None:
    """Raises `DiskFull` when a film has no room in a folder, before any of it is fetched in vain."""
    disk = shutil.disk_usage(folder)
    if size > disk.free:
        raise DiskFull(
            f"the film has {size / MB:,.0f} MB, and the disk of {platform.node()} room for {disk.free / MB:,.0f} of "
            f"its {disk.total / MB:,.0f} MB: make room for its worker.scratch"
        )


def refuse_digest(sha256: str, declared: str) -> None:
    """Raises `SourceRefused` when a digest was declared and is another."""
    if declared and sha256 != declared.lower():
        raise SourceRefused("the file that arrived is not the one that was sent (SHA-256 differs): upload it again")


async def _content(
    store: ObjectStore, found: list[StoredObject], reach: Callable[[float], None]
) -> AsyncIterator[bytes]:
    done, size = 0, sum(part.size for part in found)
    for part in found:
        missing = part.size
        async for chunk in store.stream(part.key):
            yield chunk
            missing -= len(chunk)
            done += len(chunk)
            reach(done / size)
        if missing:
            raise DataLoss(f"{part.key}: {part.size - missing} of {part.size} bytes came")
