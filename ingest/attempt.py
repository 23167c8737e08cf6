"""One attempt at a job: the asset is published, or the job is given back with the reason why not."""

import asyncio
import shutil

import structlog

from ingest.crew import Crew
from ingest.lease import Lease, keep
from ingest.production import Production, Workshop
from ingest.publication import conclude
from ingest.stages import UNFORESEEN, Ending, JobGone, Progress, ending
from ingest.watch import watched
from matinee.errors import MatineeError, NotFound
from matinee.small_files import write_whole
from matinee.telemetry import request_ids, traces
from protos.v1.jobs_pb2 import JobLease, JobState, ReleaseJobRequest

LEASE_FILE = "lease"
"""Notes the lease in scratch, so that the next worker gives it back should this one be killed."""
RELEASE_SECONDS = 2.0
OUTCOMES = {
    JobState.JOB_STATE_UNSPECIFIED: "lost",
    JobState.JOB_STATE_QUEUED: "queued",
    JobState.JOB_STATE_FAILED: "failed",
    JobState.JOB_STATE_CANCELLED: "cancelled",
}
USELESS = {JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED}

log = structlog.get_logger()


class Attempt:
    """The work on one leased job, while the lease holds."""

    def __init__(self, workshop: Workshop, terms: JobLease) -> None:
        self._workshop = workshop
        self._terms = terms
        self._folder = workshop.folder / terms.job_id
        self._crew = Crew(workshop.executor, workshop.cluster)
        self._lease = Lease(terms)
        self._progress = Progress()
        self._production = Production(workshop, self._lease, self._progress, self._crew, self._folder)
        self._log = log.bind(job_id=terms.job_id, fencing_token=terms.fencing_token)

    async def run(self) -> None:
        """Do everything; no error of the work comes out of here."""
        terms = self._terms
        with (
            request_ids.within(terms.request_id),
            traces.span("job", parent=terms.traceparent, job_id=terms.job_id, attempts=terms.attempts),
            self._workshop.measures.job(),
        ):
            await self._run()

    async def _run(self) -> None:
        self._log.info("job leased", file_name=self._terms.file_name, attempts=self._terms.attempts)
        try:
            await asyncio.to_thread(self._make_folder)
            holding = keep(self._lease, self._workshop.jobs, self._progress, self._workshop.measures)
            publication = await watched(self._production.run(), holding)
            await conclude(self._workshop.store, self._workshop.jobs, publication)
            self._workshop.measures.attempted("published")
            self._log.info("job published", asset_id=publication.request.asset_id)
        except BaseException as error:
            await self._crew.dismiss()
            await self._give_back(error)
            if not isinstance(error, Exception):
                raise
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _make_folder(self) -> None:
        self._folder.mkdir()
        write_whole(self._folder / LEASE_FILE, self._terms.SerializeToString())

    async def _give_back(self, error: BaseException) -> None:
        """Remove what is of no use any more, and tell control what became of the job unless it is another's by now."""
        end = ending(error)
        self._workshop.measures.attempted(OUTCOMES[end.state])
        stopping = isinstance(error, asyncio.CancelledError)
        if not stopping:
            unforeseen = error if end.message == UNFORESEEN else None
            self._log.warning("attempt ended", reason=end.message or str(error), exc_info=unforeseen)
        if end.state == JobState.JOB_STATE_QUEUED and end.message and not end.blameless:
            end = await self._excused(end)
        try:
            if isinstance(error, JobGone):
                await self._production.forget()
            if end.state in USELESS:
                await self._production.withdraw()
            if end.state != JobState.JOB_STATE_UNSPECIFIED:
                await self._release(end)
            if stopping:
                self._log.info("stopping: job given back")
        except MatineeError as refused:
            self._log.warning("job not given back; its lease will end", reason=str(refused))

    async def _excused(self, end: Ending) -> Ending:
        """What the worker lacks counts against no film, whatever came of it."""
        try:
            lack = await self._workshop.lack()
        except OSError:  # the scratch folder is gone, say: the worker ends of it once the job is given back
            return end
        return Ending(JobState.JOB_STATE_QUEUED, lack, blameless=True) if lack else end

    async def _release(self, end: Ending) -> None:
        request = ReleaseJobRequest(
            job_id=self._terms.job_id,
            fencing_token=self._terms.fencing_token,
            state=end.state,
            message=end.message,
            refused=end.refused,
            blameless=end.blameless,
        )
        try:
            await self._workshop.jobs.release(request, RELEASE_SECONDS)
        except NotFound:  # deleted, and the lack of what was removed with it was heard of first
            await self._production.forget()
            raise
