"""JobService: what publishers see of jobs, and do with them."""

from collections.abc import Callable

from typing_extensions import override

from control import inputs
from control.database import Connection, Database, jobs, titles
from control.jobs import messages
from control.jobs.job import Job, cancelled, retried
from control.pages import PageRequest
from matinee.errors import NotFound
from matinee.rpc.server import Context
from matinee.tokens import Clock
from protos.v1 import jobs_pb2 as pb
from protos.v1.jobs_pb2_grpc import JobServiceServicer


class JobService(JobServiceServicer):
    """Lists jobs, cancels them and tries them again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        asked = PageRequest.read(request.page_size, request.page_token)
        async with self._database.read() as connection:
            found = await jobs.page(connection, asked.before, asked.look_ahead, waiting=request.waiting)
        page = asked.cut(found, lambda item: item[0].job_id)
        return pb.ListJobsResponse(jobs=[messages.job(*item) for item in page.items], next_page_token=page.next_token)

    @override
    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        async with self._database.read() as connection:
            job = await _found(connection, request.job_id)
            return pb.GetJobResponse(job=await _shown(connection, job))

    @override
    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        job = await self._change(request.job_id, lambda job: cancelled(job, now=self._clock()))
        return pb.CancelJobResponse(job=job)

    @override
    async def RetryJob(self, request: pb.RetryJobRequest, context: Context) -> pb.RetryJobResponse:
        job = await self._change(request.job_id, lambda job: retried(job, now=self._clock()))
        return pb.RetryJobResponse(job=job)

    async def _change(self, job_id: str, change: Callable[[Job], Job]) -> pb.Job:
        async with self._database.write() as connection:
            job = change(await _found(connection, job_id, lock=True))
            await jobs.save(connection, job)
            return await _shown(connection, job)


async def _found(connection: Connection, job_id: str, *, lock: bool = False) -> Job:
    job = await jobs.find(connection, inputs.identifier("job_id", job_id), lock=lock)
    if job is None:
        raise NotFound("there is no such job")
    return job


async def _shown(connection: Connection, job: Job) -> pb.Job:
    title = await titles.find(connection, job.title_id)
    return messages.job(job, title.name if title else "")
