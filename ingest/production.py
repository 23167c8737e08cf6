"""The production of an asset: the stages of a job, from its upload to a valid asset in the store."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from ingest import scratch
from ingest.assembly import assemble
from ingest.crew import Crew
from ingest.encoders import ClusterEncoder, OwnEncoder
from ingest.encoding import Encoder, Encoding
from ingest.encoding_worker import Commission
from ingest.fetch import fetch
from ingest.ffmpeg import Ffmpeg, Limits
from ingest.jobs import Jobs
from ingest.lease import Lease
from ingest.loudness import wanted_loudness
from ingest.measures import Measures
from ingest.pieces import Pieces, pieces
from ingest.plan import Plan, plan
from ingest.poster import write_poster
from ingest.probing import probe_apart
from ingest.publication import Publication, asset_id, record_key, upload
from ingest.results import Results
from ingest.signature import read_signature
from ingest.stages import JobGone, NotValid, Progress, Stage
from ingest.validation import judge_asset, track_faults
from matinee.errors import DiskFull, MatineeError, NotFound
from matinee.executor import Check, is_cluster
from matinee.layout import asset_prefix
from matinee.settings import Settings
from matinee.storage.object_store import ObjectStore
from matinee.telemetry import traces
from packager.index import AssetIndex
from protos.v1.jobs_pb2 import BeginAssetRequest, JobStage, PublishAssetRequest

STORE_SECONDS = 5.0
"""How long the object store may take to answer."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Workshop:
    """What a worker works with; `folder` is its scratch folder.

    `executor` works on this machine; with a `cluster`, that one encodes.
    """

    settings: Settings
    store: ObjectStore
    jobs: Jobs
    executor: Executor
    cluster: Executor | None
    folder: Path
    measures: Measures = field(default_factory=Measures)

    async def lack(self) -> str:
        """What is missing for work on any film: the object store, or room on the disk; empty when nothing is."""
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self.store.probe("worker")
            await self.check_room()
        except DiskFull as error:
            return str(error)
        except (MatineeError, TimeoutError):
            return "the object store does not answer"
        return ""

    async def check_room(self) -> None:
        """Raises `DiskFull`."""
        await asyncio.to_thread(scratch.check_room, self.folder)


class Production:
    """The stages of one attempt at a job; temporary files lie in `folder`."""

    def __init__(self, workshop: Workshop, lease: Lease, progress: Progress, crew: Crew, folder: Path) -> None:
        self._settings = workshop.settings
        self._store = workshop.store
        self._jobs = workshop.jobs
        self._measures = workshop.measures
        self._lease = lease
        self._progress = progress
        self._crew = crew
        self._results = Results(workshop.store, lease.terms.upload_id)
        self._film = folder / "film"
        self._encoded = folder / "encoded"
        self._asset = folder / "asset"
        self._asset_id = ""

    async def run(self) -> Publication:
        """Go through all stages, up to where the asset can be published."""
        with self._stage(JobStage.JOB_STAGE_FETCH):
            sha256 = await fetch(self._store, self._lease.terms, self._film, self._progress.reach)
        with self._stage(JobStage.JOB_STAGE_PROBE):
            planned, parts = await self._crew.run(_planned, self._film, self._settings, sha256)
        encoding = Encoding(self._results, await self._encoder(sha256, parts), self._encoded)
        with self._stage(JobStage.JOB_STAGE_ENCODE):
            await encoding.finish(parts.longest_first, self._progress.reach)
        with self._stage(JobStage.JOB_STAGE_ASSEMBLE):
            index = await self._assemble(planned, parts, encoding)
        with self._stage(JobStage.JOB_STAGE_VALIDATE):
            await self._validate(planned, index, await encoding.collect(parts.signature))
        with self._stage(JobStage.JOB_STAGE_PUBLISH):
            return await self._upload(index)

    async def withdraw(self) -> None:
        """Remove the objects of the asset, which will not be published, and first what is recorded of them."""
        if self._asset_id:
            await self._store.delete([record_key(self._lease.terms.job_id)])
            await self._store.delete_prefix(asset_prefix(self._asset_id))

    async def forget(self) -> None:
        """Remove everything that was made, since nobody wants the film any more."""
        await self.withdraw()
        await self._store.delete_prefix(self._results.prefix)

    async def _encoder(self, sha256: str, parts: Pieces) -> Encoder:
        worker, terms = self._settings.worker, self._lease.terms
        if is_cluster(worker.executor):
            await self._results.mark(terms.fencing_token)
            commission = Commission.of(terms, sha256, parts.ffmpeg_version, self._store.place)
            return ClusterEncoder(self._crew, commission, self._measures)
        return OwnEncoder(
            self._crew, self._lease, self._results, worker, film=self._film, folder=self._encoded,
            measures=self._measures,
        )  # fmt: skip

    async def _assemble(self, planned: Plan, parts: Pieces, encoding: Encoding) -> AssetIndex:
        spans = [await encoding.collect(piece) for piece in parts.spans]
        audio = [await encoding.collect(piece) for piece in parts.audio]
        await asyncio.to_thread(self._asset.mkdir)
        index = await self._crew.run(assemble, planned, spans, audio, self._asset)
        await self._crew.run(write_poster, planned, index, self._asset)
        return index

    async def _validate(self, planned: Plan, index: AssetIndex, signature: Path) -> None:
        """Look for faults, on the bytes and in all tracks side by side. Raises `NotValid` when there are any."""
        wanted = await asyncio.to_thread(read_signature, signature)
        look = partial(
            track_faults,
            loudness=wanted_loudness(self._settings.ladder),
            ffmpeg=Ffmpeg.from_settings(self._settings.worker),
            limits=Limits.from_settings(self._settings.worker, planned.duration),
        )
        async with asyncio.TaskGroup() as group:
            judging = group.create_task(self._crew.run(judge_asset, planned, index, self._asset))
            runs = [self._crew.run(look, track, planned, self._asset, wanted) for track in index.tracks]
            looking = [group.create_task(run) for run in runs]
        verdict = judging.result()
        if faults := [*verdict.faults, *(fault for looked in looking for fault in looked.result())]:
            log.error("asset is not valid", job_id=self._lease.terms.job_id, faults=faults)
            raise NotValid(f"what was made of the film is not good enough to publish: {'; '.join(faults)}")
        for remark in verdict.advice:
            log.warning("asset could be better", job_id=self._lease.terms.job_id, remark=remark)

    async def _upload(self, index: AssetIndex) -> Publication:
        """Write the objects, and the record by which they are published even if this worker dies now."""
        terms, tallest = self._lease.terms, index.video()[0]
        self._asset_id = asset_id(terms.upload_id, index.encode())
        await self._begin()
        size = await upload(self._store, self._asset, self._asset_id, self._lease.check)
        request = PublishAssetRequest(
            job_id=terms.job_id,
            fencing_token=terms.fencing_token,
            asset_id=self._asset_id,
            duration_seconds=float(index.timeline.duration),
            width=tallest.display_width,
            height=tallest.height,
            audio_languages=[track.language for track in index.audio()],
            size_bytes=size,
        )
        publication = Publication(request, terms.upload_id)
        self._lease.check()
        await self._store.put(publication.key, publication.encode())
        return publication

    async def _begin(self) -> None:
        """Let control know of the asset before its first object is written, should this worker die meanwhile."""
        terms = self._lease.terms
        request = BeginAssetRequest(job_id=terms.job_id, fencing_token=terms.fencing_token, asset_id=self._asset_id)
        try:
            await self._jobs.begin(request)
        except NotFound as error:
            raise JobGone(str(error)) from error

    @contextmanager
    def _stage(self, stage: Stage) -> Iterator[None]:
        self._progress.enter(stage)
        log.info("stage", job_id=self._lease.terms.job_id, stage=JobStage.Name(stage))
        with self._measures.stage(stage), traces.span(f"job {JobStage.Name(stage).removeprefix('JOB_STAGE_').lower()}"):
            yield


def _planned(film: Path, settings: Settings, sha256: str, *, check: Check) -> tuple[Plan, Pieces]:
    planned = plan(probe_apart(film, settings.source, settings.worker, check=check), settings.ladder)
    return planned, pieces(planned, settings.ladder, sha256, Ffmpeg.from_settings(settings.worker).version())
