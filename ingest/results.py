"""Results of encoding, kept in the object store under what they were made from, so that no work is done twice.

A result is the files that one encode made, below `spans/<upload>/<digest>/`, and a manifest that is written last: a
result with a manifest is whole. The manifest names each file with its SHA-256, so that one which has vanished or
changed since is noticed. Two uploads of one film share nothing: what one job removes is no other's.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ingest.download import download
from matinee.errors import DataLoss, NotFound
from matinee.layout import span_prefix
from matinee.storage.object_store import ObjectStore

MANIFEST = "manifest.json"

Manifest = dict[str, str]
"""File name to SHA-256 in hex."""


class Results:
    """The results made from one upload."""

    def __init__(self, store: ObjectStore, upload_id: str) -> None:
        self._store = store
        self.prefix = span_prefix(upload_id)

    async def finished(self) -> frozenset[str]:
        """The digests of all whole results."""
        return finished(found.key for found in await self._store.list(self.prefix))

    async def holds(self, digest: str) -> bool:
        """Whether the result `digest` is whole."""
        return await self._is_there(self._key(digest, MANIFEST))

    async def mark(self, fencing_token: int) -> None:
        """Leave a sign of a lease, by which others see that their store is this one."""
        await self._store.put(self._mark(fencing_token), b"")

    async def is_marked(self, fencing_token: int) -> bool:
        """Whether the sign of a lease is there."""
        return await self._is_there(self._mark(fencing_token))

    async def put(self, digest: str, folder: Path) -> None:
        """Keep the files of `folder` as the result `digest`."""
        manifest: Manifest = {}
        for file in await asyncio.to_thread(lambda: sorted(folder.iterdir())):
            manifest[file.name] = await asyncio.to_thread(sha256, file)
            await self._store.put_file(self._key(digest, file.name), file)
        await self._store.put(self._key(digest, MANIFEST), json.dumps(manifest).encode())

    async def get(self, digest: str, folder: Path) -> None:
        """Write the files of a result into `folder`. Raises `NotFound` or `DataLoss` when they are gone."""
        manifest: Manifest = json.loads(await self._store.get(self._key(digest, MANIFEST)))
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        for name, expected in manifest.items():
            if await download(self._store.stream(self._key(digest, name)), folder / name) != expected:
                raise DataLoss(f"{self._key(digest, name)} is not what was written")

    async def _is_there(self, key: str) -> bool:
        try:
            await self._store.head(key)
        except NotFound:
            return False
        return True

    def _mark(self, fencing_token: int) -> str:
        return f"{self.prefix}/lease-{fencing_token}"

    def _key(self, digest: str, name: str) -> str:
        return f"{self.prefix}/{digest}/{name}"


def finished(keys: Iterable[str]) -> frozenset[str]:
    """The digests that have a manifest among the keys."""
    paths = map(PurePosixPath, keys)
    return frozenset(path.parent.name for path in paths if path.name == MANIFEST)


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
