"""One attempt at a job: through all stages, while its lease holds."""

import asyncio
import shutil
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from ingest.assembly import assemble
from ingest.crew import Crew
from ingest.encoding import Encoding, Piece
from ingest.fetch import fetch
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.guard import guarded
from ingest.jobs import Jobs
from ingest.lease import Lease, keep
from ingest.pieces import audio_pieces, span_pieces
from ingest.plan import Plan, plan
from ingest.poster import write_poster
from ingest.probe import probe
from ingest.publication import Publication, asset_id, asset_prefix, conclude, upload
from ingest.results import Results
from ingest.stages import UNFORESEEN, NotValid, Progress, Stage, ending
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
        self._asset_folder = self._folder / "asset"
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
        self._asset_folder.mkdir(parents=True)
        (self._folder / LEASE_FILE).write_bytes(self._terms.SerializeToString())

    async def _prepare(self) -> Publication:
        """Everything up to the moment when the asset lies in the store, whole and validated."""
        film = self._folder / "film"
        self._enter(JobStage.JOB_STAGE_FETCH)
        sha256 = await fetch(self._workshop.store, self._terms, film, self._progress.reach)
        self._enter(JobStage.JOB_STAGE_PROBE)
        planned = await self._crew.run(_planned, film, self._workshop.settings)
        self._enter(JobStage.JOB_STAGE_ENCODE)
        encoding = Encoding(Results(self._workshop.store, sha256), self._crew, self._lease, self._folder / "pieces")
        spans, audio = await self._crew.run(_pieces, planned, self._workshop.settings, film, sha256)
        await encoding.finish([*audio, *spans], self._progress.reach)
        self._enter(JobStage.JOB_STAGE_ASSEMBLE)
        index = await self._assemble(planned, encoding, spans, audio)
        self._enter(JobStage.JOB_STAGE_VALIDATE)
        await self._validate(film, planned, index)
        self._enter(JobStage.JOB_STAGE_PUBLISH)
        return await self._upload(index, sha256)

    async def _assemble(self, planned: Plan, encoding: Encoding, spans: list[Piece], audio: list[Piece]) -> AssetIndex:
        folders = [await encoding.collect(piece) for piece in spans]
        sounds = [await encoding.collect(piece) for piece in audio]
        index = await self._crew.run(assemble, planned, folders, sounds, self._asset_folder)
        await self._crew.run(write_poster, planned, index, self._asset_folder)
        return index

    async def _validate(self, film: Path, planned: Plan, index: AssetIndex) -> None:
        worker = self._workshop.settings.worker
        check = partial(
            validate,
            ffmpeg=Ffmpeg.from_settings(worker),
            limits=Limits.from_settings(worker, planned.duration),
            cancelled=self._crew.dismissed,
        )
        faults = await self._crew.run(check, film, planned, index, self._asset_folder)
        if faults:
            self._log.error("asset not valid", faults=faults)
            raise NotValid(f"what was made of the film is not good enough to publish: {'; '.join(faults)}")

    async def _upload(self, index: AssetIndex, source: str) -> Publication:
        """Write the asset's objects, and the record by which they are published even if this worker dies now."""
        store = self._workshop.store
        self._asset = asset_id(self._terms.title_id, index.encode())
        size = await upload(store, self._asset_folder, self._asset, self._lease.check)
        tallest = index.video()[0]
        request = PublishAssetRequest(
            job_id=self._terms.job_id,
            fencing_token=self._terms.fencing_token,
            asset_id=self._asset,
            duration_seconds=float(index.timeline.duration),
            width=tallest.display_width,
            height=tallest.height,
            audio_languages=[track.language for track in index.audio()],
            size_bytes=size,
        )
        publication = Publication(request, self._terms.upload_id, source)
        self._lease.check()
        await store.put(publication.key, publication.encode())
        return publication

    async def _give_back(self, error: BaseException) -> None:
        """Tell control what became of the job, unless it is another's by now."""
        end = ending(error)
        unforeseen = end.message == UNFORESEEN
        self._log.warning("attempt ended", reason=end.message or repr(error), exc_info=error if unforeseen else None)
        if end.state == JobState.JOB_STATE_UNSPECIFIED:
            return
        request = ReleaseJobRequest(
            job_id=self._terms.job_id,
            fencing_token=self._terms.fencing_token,
            state=end.state,
            message=end.message,
        )
        try:
            if end.state != JobState.JOB_STATE_QUEUED:
                await self._withdraw()
            await self._workshop.jobs.release(request, RELEASE_SECONDS)
        except MatineeError as refused:
            self._log.warning("job not given back; its lease will end", reason=str(refused))

    async def _withdraw(self) -> None:
        """Remove the objects of an asset that will not be published."""
        if self._asset:
            self._lease.check()
            await self._workshop.store.delete_prefix(asset_prefix(self._asset))

    def _enter(self, stage: Stage) -> None:
        self._progress.enter(stage)
        self._log.info("stage", stage=JobStage.Name(stage))


def _pieces(planned: Plan, settings: Settings, film: Path, sha256: str) -> tuple[list[Piece], list[Piece]]:
    return list(span_pieces(planned, settings, film, sha256)), list(audio_pieces(planned, settings, film, sha256))


def _planned(film: Path, settings: Settings) -> Plan:
    return plan(probe(film, settings.source), settings.ladder)
