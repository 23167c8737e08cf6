"""One attempt at a job: through all stages, while its lease holds."""

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from ingest.assembly import assemble
from ingest.crew import Crew
from ingest.encoding import Encoding
from ingest.fetch import fetch
from ingest.guard import guarded
from ingest.jobs import Jobs
from ingest.lease import Lease, keep
from ingest.pieces import AUDIO_FILE, audio_pieces, span_pieces
from ingest.plan import Plan, plan
from ingest.poster import write_poster
from ingest.probe import probe
from ingest.publication import INDEX, Publication, asset_id, asset_prefix, conclude, upload
from ingest.results import Results
from ingest.stages import Ending, NotValid, Progress, Stage, ending
from ingest.validation import validate
from matinee.errors import MatineeError
from matinee.settings import Settings
from matinee.storage import ObjectStore
from packager.index import AssetIndex
from protos.v1.jobs_pb2 import JobLease, JobStage, JobState, PublishAssetRequest, ReleaseJobRequest

LEASE_FILE = "lease"
RELEASE_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Workshop:
    """What a worker works with; `folder` is its scratch folder."""

    settings: Settings
    store: ObjectStore
    jobs: Jobs
    executor: Executor
    folder: Path


class Attempt:
    """The work on one leased job."""

    def __init__(self, workshop: Workshop, terms: JobLease) -> None:
        self._workshop = workshop
        self._terms = terms
        self._lease = Lease(terms)
        self._progress = Progress()
        self._crew = Crew(workshop.executor)
        self._folder = workshop.folder / terms.job_id
        self._asset = ""
        self._log = log.bind(job_id=terms.job_id, fencing_token=terms.fencing_token)

    async def run(self) -> None:
        """Publish the job's asset, or give the job back with the reason why not."""
        self._log.info("job leased", file_name=self._terms.file_name, attempts=self._terms.attempts)
        try:
            await asyncio.to_thread(self._make_folder)
            publication = await guarded(self._prepare(), keep(self._lease, self._workshop.jobs, self._progress))
            await conclude(self._workshop.store, self._workshop.jobs, publication)
            self._log.info("job published", asset_id=self._asset)
        except BaseException as error:
            await self._crew.dismiss()
            await self._give_back(error)
            if not isinstance(error, Exception):
                raise
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _make_folder(self) -> None:
        """The lease is noted in scratch, so that the next worker gives it back should this one be killed."""
        (self._folder / "asset").mkdir(parents=True)
        (self._folder / LEASE_FILE).write_bytes(self._terms.SerializeToString())
