"""UploadService: a finished upload becomes a job, and a title unless it is a new version of one."""

import structlog
from typing_extensions import override

from control import inputs
from control.callers import Caller
from control.catalogue.hierarchy import WITH_MEDIA
from control.database import Connection, Database, jobs, sessions, titles
from control.database.titles import Title
from control.identifiers import new_id
from control.jobs.job import Job
from matinee.declaration import LONGEST_FILE_NAME, LONGEST_TITLE
from matinee.errors import Conflict, NotFound, PermissionDenied, Unauthenticated
from matinee.rpc.server import Context
from matinee.telemetry import request_ids, traces
from matinee.tokens import Clock
from protos.v1 import jobs_pb2 as pb
from protos.v1.access_pb2 import ACCESS_PUBLISHER
from protos.v1.jobs_pb2_grpc import UploadServiceServicer

log = structlog.get_logger()


class UploadService(UploadServiceServicer):
    """Records uploads, each once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    async def CompleteUpload(self, request: pb.CompleteUploadRequest, context: Context) -> pb.CompleteUploadResponse:
        async with self._database.write() as connection:
            await _check_publisher(connection, inputs.identifier("account_id", request.account_id), request.session_id)
            job = await record(connection, request, self._clock)
        log.info("upload recorded", upload_id=job.upload_id, job_id=job.job_id, title_id=job.title_id)
        return pb.CompleteUploadResponse(title_id=job.title_id, job_id=job.job_id)


async def record(connection: Connection, request: pb.CompleteUploadRequest, clock: Clock) -> Job:
    """Record the job of a finished upload, and its title unless it is a new version of one; answer the job.

    An upload that was recorded before keeps its job. Raises `InvalidInput`, and what `check_title` does.
    """
    title, job = checked(request, clock)
    if request.title_id:
        await check_title(connection, request.title_id)
    else:
        await titles.add(connection, title)
    known = await jobs.add_once(connection, job)
    if known.job_id != job.job_id and not request.title_id:
        await titles.remove(connection, title.title_id)
    return known


def checked(request: pb.CompleteUploadRequest, clock: Clock) -> tuple[Title, Job]:
    """The title and the job that an upload becomes. Raises `InvalidInput`."""
    now = clock()
    file_name = inputs.line("the name of the file", request.file_name, LONGEST_FILE_NAME, needed=False)
    known_id = inputs.identifier("title_id", request.title_id) if request.title_id else ""
    given = request.title_name or file_name[:LONGEST_TITLE]
    name = inputs.line("the name of the title", given, LONGEST_TITLE, needed=not known_id)
    title = Title(known_id or new_id(clock), name, created_at=now)
    job = Job(
        job_id=new_id(clock),
        title_id=title.title_id,
        upload_id=inputs.upload_id(request.upload_id),
        account_id=inputs.identifier("account_id", request.account_id),
        file_name=file_name,
        size_bytes=inputs.size("size_bytes", request.size_bytes),
        sha256=inputs.sha256(request.sha256),
        created_at=now,
        updated_at=now,
        due_at=now,
        request_id=request_ids.current(),
        traceparent=traces.traceparent(),
    )
    return title, job


async def check_title(connection: Connection, title_id: str) -> None:
    """Raise `NotFound` when there is no such title, `Conflict` when its kind has no media."""
    title = await titles.find(connection, title_id, lock=True)
    if title is None:
        raise NotFound("there is no such title to make a new version of")
    if title.kind not in WITH_MEDIA:
        raise Conflict(f"a {title.kind} has no media: upload its episodes")


async def _check_publisher(connection: Connection, account_id: str, session_id: str) -> None:
    """What an access token said when the last bytes began to come may be true no longer."""
    account = await sessions.account_of(connection, session_id)
    if account is None or account.account_id != account_id:
        raise Unauthenticated("the session has ended; sign in again")
    if not Caller(account.account_id, account.email, account.role).may(ACCESS_PUBLISHER):
        raise PermissionDenied("uploads are for publishers")
