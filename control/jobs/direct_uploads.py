"""DirectUploadService: large films go straight to the bucket, and no byte of them through the house.

An upload is the record `direct/<id>` in the object store, and parts that the bucket keeps until they are joined. It has
ended when there is a job of it; its record stays as long as the film does, so that no edge takes that for its own.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import structlog
from typing_extensions import override

from control import inputs
from control.callers import caller
from control.database import Database, jobs
from control.jobs.direct_upload import DirectUpload
from control.jobs.job import Job
from control.jobs.uploads import check_title, checked, record
from matinee.buckets.parts import Part, part_bytes
from matinee.declaration import LONGEST_TITLE
from matinee.errors import Conflict, InvalidInput, MatineeError, NotFound
from matinee.layout import DIRECT, direct_key, upload_prefix
from matinee.rpc.server import Context
from matinee.settings import UploadSettings
from matinee.storage.object_store import ObjectStore
from matinee.tokens import Clock
from matinee.unfinished import UnfinishedUploads
from protos.v1 import jobs_pb2 as pb
from protos.v1.jobs_pb2_grpc import DirectUploadServiceServicer

if TYPE_CHECKING:
    from matinee.buckets.multipart import Multipart

MOST_SIGNED = 100
SIGNED_SECONDS = 3_600
TOUCH_SECONDS = 600
"""How exactly it is kept when an upload was continued."""
SWEEP_SECONDS = 3_600
NONE_HERE = "films do not go straight to the object store here (store.public_endpoint): send this one to /uploads"
GONE = "there is no such upload, or it has expired; begin it again"

log = structlog.get_logger()


class DirectUploadService(DirectUploadServiceServicer):
    """Begins uploads, signs the addresses of their parts, and makes jobs of them."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        settings: UploadSettings,
        clock: Clock,
        multipart: "Multipart | None",
    ) -> None:
        self._database = database
        self._store = store
        self._settings = settings
        self._clock = clock
        self._parts = multipart
        self._unfinished = UnfinishedUploads(store, settings)
        self._swept_at = 0.0

    @property
    def _multipart(self) -> "Multipart":
        if self._parts is None:
            raise Conflict(NONE_HERE)
        return self._parts

    def close(self) -> None:
        """Hang up."""
        if self._parts is not None:
            self._parts.close()

    @override
    async def GetDirectUploadOffer(
        self, request: pb.GetDirectUploadOfferRequest, context: Context
    ) -> pb.GetDirectUploadOfferResponse:
        return pb.GetDirectUploadOfferResponse(smallest_bytes=self._settings.direct_bytes if self._parts else 0)

    @override
    async def CreateDirectUpload(
        self, request: pb.CreateDirectUploadRequest, context: Context
    ) -> pb.CreateDirectUploadResponse:
        upload = self._declared(request)
        if upload.title_id:  # better said now than when all bytes are there
            async with self._database.read() as connection:
                await check_title(connection, upload.title_id)
        await self._unfinished.begin(upload.account_id, upload.upload_id, upload.size_bytes)
        try:
            upload = replace(upload, multipart_id=await self._multipart.begin(upload.key))
            await self._save(upload)
        except MatineeError:
            await self._end(upload)
            raise
        return pb.CreateDirectUploadResponse(upload_id=upload.upload_id, part_bytes=upload.part_bytes)

    @override
    async def GetDirectUpload(self, request: pb.GetDirectUploadRequest, context: Context) -> pb.GetDirectUploadResponse:
        upload = await self._own(request.upload_id)
        answer = pb.GetDirectUploadResponse(size_bytes=upload.size_bytes, part_bytes=upload.part_bytes)
        if job := await self._job(upload):
            answer.title_id, answer.job_id = job.title_id, job.job_id
        else:
            found = await self._arrived(upload)
            answer.parts.extend(pb.UploadedPart(number=p.number, etag=p.etag, sha256=p.sha256) for p in found)
        return answer

    @override
    async def SignParts(self, request: pb.SignPartsRequest, context: Context) -> pb.SignPartsResponse:
        upload = await self._own(request.upload_id)
        if len(request.parts) > MOST_SIGNED:
            raise InvalidInput(f"at most {MOST_SIGNED} parts are signed at a time")
        if await self._job(upload):
            raise Conflict("the upload is complete")
        parts = [upload.part(part.number, part.sha256) for part in request.parts]
        if self._clock() > upload.touched_at + TOUCH_SECONDS:
            await self._save(replace(upload, touched_at=self._clock()))
        return pb.SignPartsResponse(
            urls=await self._multipart.sign(upload.key, upload.multipart_id, parts, SIGNED_SECONDS)
        )

    @override
    async def CompleteDirectUpload(
        self, request: pb.CompleteDirectUploadRequest, context: Context
    ) -> pb.CompleteDirectUploadResponse:
        upload = await self._own(request.upload_id)
        job = await self._job(upload)
        if job is None:
            await self._join(upload, [upload.part(part.number, part.sha256, part.etag) for part in request.parts])
            async with self._database.write() as connection:
                job = await record(connection, _completion(upload), self._clock)
        await self._end(upload)
        return pb.CompleteDirectUploadResponse(title_id=job.title_id, job_id=job.job_id)

    @override
    async def AbortDirectUpload(
        self, request: pb.AbortDirectUploadRequest, context: Context
    ) -> pb.AbortDirectUploadResponse:
        upload = await self._own(request.upload_id)
        if job := await self._job(upload):
            raise Conflict(f"the upload is complete; cancel the job {job.job_id} instead")
        await self._remove(upload)
        return pb.AbortDirectUploadResponse()

    async def sweep(self) -> None:
        """Remove expired uploads, and the records of those whose film is gone; at most once in SWEEP_SECONDS."""
        if self._parts is None or self._clock() < self._swept_at + SWEEP_SECONDS:
            return
        self._swept_at = self._clock()
        for item in await self._store.list(DIRECT):
            try:
                upload = DirectUpload.decode(await self._store.get(item.key))
                if self._is_expired(upload):
                    await self._clear(upload)
            except MatineeError as error:
                log.warning("an upload could not be swept", record=item.key, reason=str(error))

    async def _clear(self, upload: DirectUpload) -> None:
        """Remove what is not needed any more of an upload that has expired."""
        if await self._job(upload) is None:
            await self._remove(upload)
            log.info("expired upload removed", upload_id=upload.upload_id)
        elif not await self._store.list(upload_prefix(upload.upload_id)):
            await self._store.delete([direct_key(upload.upload_id)])

    def _declared(self, request: pb.CreateDirectUploadRequest) -> DirectUpload:
        """A new upload. Raises `InvalidInput` for what can be no film, and `Conflict` when none may go this way."""
        if self._parts is None:
            raise Conflict(NONE_HERE)
        if request.size_bytes == 0:
            raise InvalidInput("the film is empty")
        if request.size_bytes > self._settings.max_bytes:
            raise InvalidInput(f"the film is larger than the {self._settings.max_bytes} bytes that are taken here")
        upload = DirectUpload(
            upload_id=secrets.token_hex(16),
            account_id=caller().account_id,
            title_id=request.title_id,
            title_name=request.title_name or PurePath(request.file_name).stem[:LONGEST_TITLE],
            file_name=request.file_name,
            size_bytes=inputs.size("size_bytes", request.size_bytes),
            sha256=request.sha256,
            part_bytes=part_bytes(request.size_bytes, self._settings.part_bytes),
            multipart_id="",
            touched_at=self._clock(),
        )
        checked(_completion(upload), self._clock)
        return upload

    async def _own(self, upload_id: str) -> DirectUpload:
        """The upload of that id. Raises `NotFound`, also when it is another account's or has expired."""
        try:
            upload = DirectUpload.decode(await self._store.get(direct_key(inputs.upload_id(upload_id))))
        except NotFound as error:
            raise NotFound(GONE) from error
        if upload.account_id != caller().account_id:
            raise NotFound(GONE)
        if self._is_expired(upload) and not await self._job(upload):
            raise NotFound(GONE)
        return upload

    def _is_expired(self, upload: DirectUpload) -> bool:
        return self._clock() >= upload.touched_at + self._settings.expire_hours * 3_600

    async def _job(self, upload: DirectUpload) -> Job | None:
        async with self._database.read() as connection:
            return await jobs.of_upload(connection, upload.upload_id)

    async def _arrived(self, upload: DirectUpload) -> list[Part]:
        """The parts that the bucket has; none when they are joined already. Raises `NotFound` when it gave them up."""
        try:
            return await self._multipart.parts(upload.key, upload.multipart_id)
        except NotFound as error:
            if await self._is_joined(upload):
                return []
            raise NotFound(GONE) from error

    async def _is_joined(self, upload: DirectUpload) -> bool:
        try:
            return (await self._store.head(upload.key)).size == upload.size_bytes
        except NotFound:
            return False

    async def _join(self, upload: DirectUpload, named: Sequence[Part]) -> None:
        """Make one object of the parts, unless a call has done so that died then, or goes on beside this one."""
        there = await self._arrived(upload)
        if await self._is_joined(upload):
            return
        upload.check(named, there)
        try:
            await self._multipart.join(upload.key, upload.multipart_id, named)
        except NotFound as error:
            if not await self._is_joined(upload):
                raise NotFound(GONE) from error
        if not await self._is_joined(upload):
            raise InvalidInput("the film that was joined has not the size that was declared; upload it again")

    async def _save(self, upload: DirectUpload) -> None:
        await self._store.put(direct_key(upload.upload_id), upload.encode())

    async def _end(self, upload: DirectUpload) -> None:
        await self._unfinished.end(upload.account_id, upload.upload_id, upload.size_bytes)

    async def _remove(self, upload: DirectUpload) -> None:
        try:
            await self._multipart.abort(upload.key, upload.multipart_id)
        except NotFound:
            log.info("the bucket had given an upload up before", upload_id=upload.upload_id)
        await self._store.delete_prefix(upload_prefix(upload.upload_id))
        await self._end(upload)
        await self._store.delete([direct_key(upload.upload_id)])


def _completion(upload: DirectUpload) -> pb.CompleteUploadRequest:
    return pb.CompleteUploadRequest(
        upload_id=upload.upload_id,
        account_id=upload.account_id,
        title_name=upload.title_name,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
        title_id=upload.title_id,
    )
