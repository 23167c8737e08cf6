"""WorkerService: workers lease jobs, keep them, and hand in what became of them."""

from typing_extensions import override

from control import inputs
from control.catalogue.publication import add_version
from control.database import Connection, Database, assets, jobs, removals, titles, unfinished_assets
from control.database.assets import Asset
from control.database.titles import Title
from control.housekeeping import Housekeeping
from control.jobs.job import Job, check_lease, heard, leased, published, put_back, released
from control.jobs.job_states import Event, State
from matinee.errors import Conflict, InvalidInput, NotFound, Unavailable
from matinee.layout import asset_prefix, span_prefix, upload_prefix
from matinee.rpc.server import Context
from matinee.settings import WorkerSettings
from matinee.tokens import Clock
from protos.v1 import jobs_pb2 as pb
from protos.v1.jobs_pb2_grpc import WorkerServiceServicer

LONGEST_WORKER_ID = 128
GONE = "there is no such job any more: its title was deleted"
RELEASES = {
    pb.JOB_STATE_QUEUED: Event.GIVE_BACK,
    pb.JOB_STATE_FAILED: Event.FAIL,
    pb.JOB_STATE_CANCELLED: Event.STOP,
}


class WorkerService(WorkerServiceServicer):
    """Each answer follows one transaction in which the fencing token was checked; a job that is gone is `NotFound`."""

    def __init__(self, database: Database, housekeeping: Housekeeping, settings: WorkerSettings, clock: Clock) -> None:
        self._database = database
        self._housekeeping = housekeeping
        self._lease_seconds = settings.lease_seconds
        self._limit = settings.attempts
        self._clock = clock

    @override
    async def LeaseJob(self, request: pb.LeaseJobRequest, context: Context) -> pb.LeaseJobResponse:
        worker_id = inputs.line("worker_id", request.worker_id, LONGEST_WORKER_ID)
        async with self._database.write() as connection:
            while (job := await jobs.next_due(connection, self._clock())) is not None:
                job = leased(job, worker_id, now=self._clock(), seconds=self._lease_seconds, limit=self._limit)
                await jobs.save(connection, job)
                if job.state is State.RUNNING:
                    return pb.LeaseJobResponse(lease=self._lease(job))
        return pb.LeaseJobResponse()

    @override
    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:
        async with self._database.write() as connection:
            job = await _held(connection, request.job_id)
            job = heard(
                job,
                request.fencing_token,
                stage=request.stage,
                progress=request.progress,
                now=self._clock(),
                seconds=self._lease_seconds,
            )
            await jobs.save(connection, job)
        return pb.HeartbeatResponse(cancel_requested=job.state is State.CANCELLING)

    @override
    async def BeginAsset(self, request: pb.BeginAssetRequest, context: Context) -> pb.BeginAssetResponse:
        asset_id = inputs.asset_id(request.asset_id)
        async with self._database.write() as connection:
            job = await _held(connection, request.job_id)
            check_lease(job, request.fencing_token)
            await unfinished_assets.note(connection, asset_id, job.job_id, self._clock())
            if await removals.is_pending(connection, asset_prefix(asset_id)):
                raise Unavailable("what an earlier try has left of the asset is being removed; try again")
        return pb.BeginAssetResponse()

    @override
    async def PublishAsset(self, request: pb.PublishAssetRequest, context: Context) -> pb.PublishAssetResponse:
        if await self._database.transact(lambda connection: self._published(connection, request)) is State.CANCELLED:
            self._housekeeping.wake()
            raise Conflict("the job was cancelled: nothing is published")
        return pb.PublishAssetResponse()

    @override
    async def ReleaseJob(self, request: pb.ReleaseJobRequest, context: Context) -> pb.ReleaseJobResponse:
        now = self._clock()
        event = RELEASES.get(request.state)
        if event is None:
            raise InvalidInput("state must be QUEUED, FAILED or CANCELLED")
        if event is Event.FAIL and request.refused:
            event = Event.REFUSE
        async with self._database.write() as connection:
            job = self._left(await _held(connection, request.job_id), event, request, now)
            await jobs.save(connection, job)
            if job.state is State.REFUSED:
                await removals.note(connection, [upload_prefix(job.upload_id), span_prefix(job.upload_id)], now)
        if job.state is State.REFUSED:
            self._housekeeping.wake()
        return pb.ReleaseJobResponse()

    def _left(self, job: Job, event: Event, request: pb.ReleaseJobRequest, now: float) -> Job:
        message = request.message.strip()
        if event is Event.GIVE_BACK and request.blameless:
            return put_back(job, request.fencing_token, message, now=now)
        return released(job, request.fencing_token, event, message, now=now, limit=self._limit)

    async def _published(self, connection: Connection, request: pb.PublishAssetRequest) -> State:
        """Publish, unless somebody has asked for the job to stop, which it does then; and say how it ended."""
        job, title = await _held_with_title(connection, request.job_id)
        if await _is_repeated(connection, request, job):
            return job.state
        now = self._clock()
        asset = _asset(title, request, now)
        job = published(job, request.fencing_token, now=now)
        await jobs.save(connection, job)
        if job.state is State.PUBLISHED:
            await add_version(connection, title, asset, self._clock, draft=job.draft)
        else:
            await removals.note(connection, [asset_prefix(asset.asset_id)], now)
        await unfinished_assets.forget(connection, asset.asset_id)
        return job.state

    def _lease(self, job: Job) -> pb.JobLease:
        return pb.JobLease(
            job_id=job.job_id,
            title_id=job.title_id,
            upload_id=job.upload_id,
            file_name=job.file_name,
            size_bytes=job.size_bytes,
            sha256=job.sha256,
            fencing_token=job.fencing_token,
            attempts=job.attempts,
            lease_seconds=self._lease_seconds,
            source_key=job.source_key,
            request_id=job.request_id,
            traceparent=job.traceparent,
        )


async def _held_with_title(connection: Connection, job_id: str) -> tuple[Job, Title]:
    """The title first, as who deletes it does: else each could wait for the other."""
    found = await jobs.find(connection, inputs.identifier("job_id", job_id))
    title = await titles.find(connection, found.title_id, lock=True) if found else None
    if title is None:
        raise NotFound(GONE)
    return await _held(connection, job_id), title


async def _held(connection: Connection, job_id: str) -> Job:
    job = await jobs.find(connection, inputs.identifier("job_id", job_id), lock=True)
    if job is None:
        raise NotFound(GONE)
    return job


async def _is_repeated(connection: Connection, request: pb.PublishAssetRequest, job: Job) -> bool:
    """Whether this very call succeeded before, and only its answer was lost; another version may be active since."""
    if job.state is not State.PUBLISHED or job.fencing_token != request.fencing_token:
        return False
    asset = await assets.find(connection, inputs.asset_id(request.asset_id))
    return asset is not None and asset.title_id == job.title_id


def _asset(title: Title, request: pb.PublishAssetRequest, now: float) -> Asset:
    return Asset(
        asset_id=inputs.asset_id(request.asset_id),
        title_id=title.title_id,
        created_at=now,
        duration_seconds=inputs.seconds("duration_seconds", request.duration_seconds),
        width=inputs.size("width", request.width),
        height=inputs.size("height", request.height),
        audio_languages=inputs.languages(request.audio_languages),
        size_bytes=inputs.size("size_bytes", request.size_bytes),
    )
