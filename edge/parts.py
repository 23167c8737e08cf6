"""Uploads in the object store: an upload is its declaration and its parts, and edges keep no state of it.

    uploads/<id>/info.json           what was declared when it was created
    uploads/<id>/<offset, 16 digits> parts, each beginning where the one before it ends
    staged/<id>/<nonce>/<offset>     bytes whose checksum is not known yet
    completed/<id>                   the title and the job that it became; outlives the parts, which are the job's
    unfinished/<account>/<id>/…      that it has not ended (see `edge.unfinished`)

A writer makes a part only where it has seen the last part end, or made that part itself, and only if nobody else has
(create-if-absent). So parts never overlap and never leave a gap, whoever writes at the same time or dies.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from itertools import groupby

from edge import unfinished
from edge.problems import Refusal
from edge.tus import CHECKSUM_MISMATCH, Checksum
from edge.unfinished import UnfinishedUploads
from matinee.errors import Conflict, NotFound
from matinee.layout import UPLOADS, part_key, part_offset, upload_prefix
from matinee.settings import UploadSettings
from matinee.storage import ObjectStore, StoredObject

PREFIXES = (UPLOADS, "staged", "completed", unfinished.PREFIX)

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an upload was created as: `length` in bytes, and `metadata` as the client sent it."""

    account_id: str
    length: int
    metadata: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What an upload became."""

    title_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as the store has it: `offset` bytes are there, the last of them since `touched` (epoch seconds)."""

    upload_id: str
    declaration: Declaration
    offset: int
    touched: float
    completion: Completion | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every byte is there."""
        return self.offset == self.declaration.length

    def check_room(self, count: int) -> None:
        """Raise 413 when so many bytes more go past the declared length."""
        if self.offset + count > self.declaration.length:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body goes past the declared Upload-Length")


class UploadStore:
    """Creates, continues and removes uploads. A part has at most `part_bytes` bytes; memory is bounded by three."""

    def __init__(self, store: ObjectStore, settings: UploadSettings) -> None:
        self._store = store
        self._part_bytes = settings.part_bytes
        self._unfinished = UnfinishedUploads(store, settings)

    async def create(self, declaration: Declaration) -> Upload:
        """Begin an upload under a new, unguessable id.

        Raises `ResourceExhausted` when the account has too many unfinished ones.
        """
        upload_id = secrets.token_hex(16)
        await self._unfinished.begin(declaration.account_id, upload_id, declaration.length)
        await self._store.put(_info(upload_id), json.dumps(asdict(declaration)).encode())
        return await self.find(upload_id)

    async def find(self, upload_id: str, offset: int = 0) -> Upload:
        """The upload as it is now. Raises `NotFound`.

        `offset`, where the client believes that it ends, saves counting a film's thousands of parts when it is right.
        """
        if not _ID.fullmatch(upload_id):
            raise NotFound("there is no such upload")
        completed, info, last = await asyncio.gather(
            self._read(f"completed/{upload_id}"),
            self._read(_info(upload_id)),
            self._last_part(upload_id, offset),
        )
        if completed:
            return _decoded(upload_id, completed)
        if not info:
            raise NotFound("there is no such upload")
        declaration = Declaration(**json.loads(info))
        if last:
            return Upload(upload_id, declaration, offset, last.modified)
        found = await self._store.list(upload_prefix(upload_id))
        return Upload(upload_id, declaration, _end(found), _touched(found))

    async def append(self, upload: Upload, body: AsyncIterator[bytes], checksum: Checksum | None) -> int:
        """Store a body at the end of the upload, part by part; answer where it ends then.

        With a checksum, nothing is kept of a body that does not match it: 460. Without one, what came before the body
        ended early stays. Raises `Conflict` when somebody else has written at the same place.
        """
        parts = self._cut(body, upload)
        if checksum is not None:
            return await self._append_checked(upload, parts, checksum)
        offset = upload.offset
        async for part in parts:
            offset = await self._place(upload.upload_id, offset, part)
        return offset

    async def complete(self, upload: Upload, completion: Completion) -> Upload:
        """Note what a whole upload became; from then on its parts belong to the job."""
        completed = replace(upload, completion=completion)
        await self._end(upload)
        await self._store.put(f"completed/{upload.upload_id}", json.dumps(asdict(completed)).encode())
        return completed

    async def remove(self, upload: Upload) -> None:
        """Remove an upload and all its bytes."""
        await self._end(upload)
        await self._remove(upload.upload_id)

    async def remove_untouched(self, since: float) -> int:
        """Remove what nobody has continued since that time (epoch seconds); answer how many uploads.

        The parts of a completed upload stay: they are the job's. What a dead edge left of a removed or half received
        upload goes too. Several edges may do this at the same time.
        """
        found = [item for prefix in PREFIXES for item in await self._store.list(prefix)]
        uploads = {
            upload_id: list(items) for upload_id, items in groupby(sorted(found, key=_upload_id), key=_upload_id)
        }
        stale = {upload_id: items for upload_id, items in uploads.items() if _is_abandoned(items, since)}
        for upload_id, items in stale.items():
            await self._store.delete(item.key for item in items if _prefix(item) == unfinished.PREFIX)
            await self._remove(upload_id)
        return len(stale)

    async def _end(self, upload: Upload) -> None:
        await self._unfinished.end(upload.declaration.account_id, upload.upload_id, upload.declaration.length)

    async def _remove(self, upload_id: str) -> None:
        await self._store.delete([_info(upload_id), f"completed/{upload_id}"])
        await self._store.delete_prefix(upload_prefix(upload_id))
        await self._store.delete_prefix(f"staged/{upload_id}")

    async def _append_checked(self, upload: Upload, parts: AsyncIterator[bytes], checksum: Checksum) -> int:
        """The last part waits for the verdict in memory, those before it in the store."""
        digest, held, staged = hashlib.new(checksum.algorithm), b"", list[str]()
        nonce = secrets.token_hex(8)
        try:
            async for part in parts:
                if held:
                    staged.append(f"staged/{upload.upload_id}/{nonce}/{len(staged):016d}")
                    await self._store.put(staged[-1], held)
                await asyncio.to_thread(digest.update, part)
                held = part
            if digest.digest() != checksum.digest:
                raise Refusal(CHECKSUM_MISMATCH, "the bytes that came do not match Upload-Checksum; send them again")
            offset = upload.offset
            for key in staged:
                offset = await self._place(upload.upload_id, offset, await self._store.get(key))
            return await self._place(upload.upload_id, offset, held)
        finally:
            await self._store.delete(staged)

    async def _last_part(self, upload_id: str, end: int) -> StoredObject | None:
        """The part that ends there and has no other after it, if it has the usual size."""
        if end < self._part_bytes:
            return None
        part, following = await asyncio.gather(
            self._part(upload_id, end - self._part_bytes), self._part(upload_id, end)
        )
        return part if part and part.size == self._part_bytes and not following else None

    async def _read(self, key: str) -> bytes | None:
        try:
            return await self._store.get(key)
        except NotFound:
            return None

    async def _part(self, upload_id: str, offset: int) -> StoredObject | None:
        try:
            return await self._store.head(part_key(upload_id, offset))
        except NotFound:
            return None

    async def _place(self, upload_id: str, offset: int, part: bytes) -> int:
        if part and not await self._store.create(part_key(upload_id, offset), part):
            raise Conflict("somebody else is sending this upload; ask for its offset and go on from there")
        return offset + len(part)

    async def _cut(self, body: AsyncIterator[bytes], upload: Upload) -> AsyncIterator[bytes]:
        """Cut a body into parts; 413 when it goes past the declared length."""
        chunks, held, received = list[memoryview](), 0, 0
        async for chunk in body:
            received += len(chunk)
            upload.check_room(received)
            rest = memoryview(chunk)
            while rest:
                fitting = rest[: self._part_bytes - held]
                chunks.append(fitting)
                held += len(fitting)
                rest = rest[len(fitting) :]
                if held == self._part_bytes:
                    yield b"".join(chunks)
                    chunks, held = [], 0
        if held:
            yield b"".join(chunks)


def _info(upload_id: str) -> str:
    return f"{upload_prefix(upload_id)}/info.json"


def _prefix(item: StoredObject) -> str:
    return item.key.partition("/")[0]


def _upload_id(item: StoredObject) -> str:
    return item.key.split("/")[2 if _prefix(item) == unfinished.PREFIX else 1]


def _touched(items: Iterable[StoredObject]) -> float:
    return max((item.modified for item in items), default=0.0)


def _end(items: Iterable[StoredObject]) -> int:
    """Where the run of parts ends, in bytes."""
    end = 0
    for item in items:
        offset = part_offset(item.key)
        if offset is not None:
            if offset != end:
                raise Refusal(HTTPStatus.GONE, "parts of this upload are missing in the object store; begin it again")
            end += item.size
    return end


def _is_abandoned(items: list[StoredObject], since: float) -> bool:
    prefixes = {_prefix(item) for item in items}
    awaits_its_job = {UPLOADS, "completed"} <= prefixes
    return not awaits_its_job and _touched(items) < since


def _decoded(upload_id: str, text: bytes) -> Upload:
    values = json.loads(text)
    declaration, completion = Declaration(**values["declaration"]), Completion(**values["completion"])
    return Upload(upload_id, declaration, values["offset"], values["touched"], completion)
