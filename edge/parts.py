"""Uploads in the object store: an upload is its declaration and its parts, and edges keep no state of it.

    uploads/<id>/info.json           what was declared when it was created
    uploads/<id>/<offset, 16 digits> parts, each beginning where the one before it ends
    staged/<id>/<nonce>/<offset>     bytes whose checksum is not known yet
    completed/<id>                   the title and the job that it became; outlives the parts, which are the job's
    unfinished/<account>/<id>/…      that it has not ended (see `matinee.unfinished`)

Those of which there is `direct/<id>` are control's.

A writer makes a part only where it has seen the last part end, or made that part itself, and only if nobody else has
(create-if-absent). So parts never overlap and never leave a gap, whoever writes at the same time or dies.

What an edge remembers of the parts that it has seen spares it to count them again, and nothing depends on it.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, replace
from itertools import groupby

from edge.problems import Refusal
from edge.tus import CHECKSUM_MISMATCH, Checksum
from edge.upload import NO_PARTS, Completion, Declaration, Run, Upload
from matinee import unfinished
from matinee.errors import Conflict, NotFound
from matinee.layout import DIRECT, UPLOADS, part_key, upload_prefix
from matinee.settings import UploadSettings
from matinee.storage.object_store import ObjectStore, StoredObject
from matinee.unfinished import UnfinishedUploads

PREFIXES = (UPLOADS, "staged", "completed", unfinished.PREFIX, DIRECT)

MOST_COUNTED = 10_000
"""Uploads of which it is remembered what has been counted; those used longest ago are counted anew."""

_ID = re.compile(r"[0-9a-f]{32}")


class UploadStore:
    """Creates, continues and removes uploads. A part has at most `part_bytes` bytes; memory is bounded by three."""

    def __init__(self, store: ObjectStore, settings: UploadSettings) -> None:
        self._store = store
        self._part_bytes = settings.part_bytes
        self._unfinished = UnfinishedUploads(store, settings)
        self._counted: dict[str, Run] = {}

    async def create(self, declaration: Declaration) -> Upload:
        """Begin an upload under a new, unguessable id.

        Raises `ResourceExhausted` when the account has too many unfinished ones.
        """
        upload_id = secrets.token_hex(16)
        await self._unfinished.begin(declaration.account_id, upload_id, declaration.length)
        await self._store.put(_info(upload_id), json.dumps(asdict(declaration)).encode())
        return await self.find(upload_id)

    async def find(self, upload_id: str, *, recount: bool = False) -> Upload:
        """The upload as it is now. Raises `NotFound`.

        Parts that this edge has counted once it counts no more, unless `recount` asks for certainty: a client may send
        thousands, and make a request for each.
        """
        if not _ID.fullmatch(upload_id):
            raise NotFound("there is no such upload")
        completed, info = await asyncio.gather(self._read(f"completed/{upload_id}"), self._read(_info(upload_id)))
        if completed:
            return _decoded(upload_id, completed)
        if not info:
            raise NotFound("there is no such upload")
        run = await self._count(upload_id, NO_PARTS if recount else self._counted.get(upload_id, NO_PARTS))
        return Upload(upload_id, Declaration(**json.loads(info)), run.end, run.touched, parts=run.parts)

    async def append(self, upload: Upload, body: AsyncIterator[bytes], checksum: Checksum | None) -> Upload:
        """Store a body at the end of the upload, part by part; answer the upload as it is then.

        With a checksum, nothing is kept of a body that does not match it: 460. Without one, what came before the body
        ended early stays. Raises `Conflict` when somebody else has written at the same place, and `InvalidInput` for
        one small part too many.
        """
        parts = self._cut(body, upload)
        if checksum is not None:
            return await self._append_checked(upload, parts, checksum)
        async for part in parts:
            upload = await self._place(upload, part)
        return upload

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
        upload goes too; what is of no upload stays. Several edges may do this at the same time.
        """
        listed = [item for prefix in PREFIXES for item in await self._store.list(prefix)]
        found = [item for item in listed if _ID.fullmatch(_upload_id(item))]
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

    async def _append_checked(self, upload: Upload, parts: AsyncIterator[bytes], checksum: Checksum) -> Upload:
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
            for key in staged:
                upload = await self._place(upload, await self._store.get(key))
            return await self._place(upload, held)
        finally:
            await self._store.delete(staged)

    async def _count(self, upload_id: str, known: Run) -> Run:
        """The run of all parts, of which those in `known` are not looked at again."""
        after = part_key(upload_id, known.end - 1) if known.end else None
        run = known.extended(await self._store.list(upload_prefix(upload_id), after))
        self._counted.pop(upload_id, None)
        self._counted[upload_id] = run
        if len(self._counted) > MOST_COUNTED:
            del self._counted[next(iter(self._counted))]
        return run

    async def _read(self, key: str) -> bytes | None:
        try:
            return await self._store.get(key)
        except NotFound:
            return None

    async def _place(self, upload: Upload, part: bytes) -> Upload:
        if not part:
            return upload
        upload.check_part(len(part), self._part_bytes)
        if not await self._store.create(part_key(upload.upload_id, upload.offset), part):
            raise Conflict("somebody else is sending this upload; ask for its offset and go on from there")
        return replace(upload, offset=upload.offset + len(part), parts=upload.parts + 1)

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
    """The upload that an object is of; anything else for one that somebody else has put there."""
    names = item.key.split("/")
    return names[min(2, len(names) - 1)] if _prefix(item) == unfinished.PREFIX else names[1]


def _touched(items: Iterable[StoredObject]) -> float:
    return max((item.modified for item in items), default=0.0)


def _is_abandoned(items: list[StoredObject], since: float) -> bool:
    prefixes = {_prefix(item) for item in items}
    awaits_its_job = {UPLOADS, "completed"} <= prefixes
    return not awaits_its_job and DIRECT not in prefixes and _touched(items) < since


def _decoded(upload_id: str, text: bytes) -> Upload:
    values = json.loads(text)
    declaration, completion = Declaration(**values["declaration"]), Completion(**values["completion"])
    return Upload(upload_id, declaration, values["offset"], values["touched"], completion)
