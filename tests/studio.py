"""Control in this process and workers in processes of their own, over one data directory: what tests of jobs need."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import AUTHORIZATION_KEY, service_metadata
from matinee.settings import Settings, load_settings
from matinee.storage.object_store import ObjectStore
from matinee.storage.opening import open_store
from protos.v1.auth_pb2 import LoginRequest
from protos.v1.auth_pb2_grpc import AuthServiceStub
from protos.v1.catalogue_pb2 import DeleteTitleRequest
from protos.v1.catalogue_pb2_grpc import CatalogueServiceStub
from protos.v1.jobs_pb2 import CancelJobRequest, CompleteUploadRequest, GetJobRequest, Job, RetryJobRequest
from protos.v1.jobs_pb2_grpc import JobServiceStub, UploadServiceStub
from tests.control_house import TurnedClock, claims_of, serve_control
from tests.patience import until

if TYPE_CHECKING:
    from protos.v1.jobs_pb2_grpc import JobServiceAsyncStub

WORKER = ("-m", "matinee", "worker")
PART_BYTES = 50_000

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Studio:
    """A running control, its store, and a publisher who is signed in."""

    settings: Settings
    store: ObjectStore
    channel: Channel
    sections: dict[str, dict[str, Any]]
    publisher: Metadata = ()
    clock: TurnedClock = field(default_factory=TurnedClock)
    workers: list[Process] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    control: "asyncio.Task[None] | None" = None

    async def open(self) -> None:
        """Start control, and sign in."""
        self.stop.clear()
        serving = serve_control(self.settings, self.store, self.stop, hasher=None, clock=self.clock)
        self.control = asyncio.create_task(serving)
        await until(self._announced)
        signing_in = asyncio.create_task(_signed_in(self.settings, self.channel))
        await asyncio.wait([signing_in, self.control], return_when=asyncio.FIRST_COMPLETED)
        if self.control.done():  # nobody would ever answer
            signing_in.cancel()
            await self.control
        self.publisher = await signing_in

    async def close(self) -> None:
        """Kill the workers, and stop control."""
        for worker in self.workers:
            await dismiss(worker, signal.SIGKILL)
        await self.close_control()

    async def close_control(self) -> None:
        """Stop control, as for an upgrade."""
        self.stop.set()
        if self.control:
            await self.control

    async def upload(self, film: bytes, *, sha256: str = "", size: int | None = None, name: str = "film") -> Job:
        """Store a film as the edge would, as the upload of that name, and record it."""
        for start in range(0, len(film), PART_BYTES):
            await self.store.put(f"uploads/{name}/{start:016d}", film[start : start + PART_BYTES])
        request = CompleteUploadRequest(
            upload_id=name, account_id=self.claims["sub"], session_id=self.claims["sid"],
            title_name="Film", file_name="film.mp4",
            size_bytes=len(film) if size is None else size, sha256=sha256,
        )  # fmt: skip
        token = self.settings.service_token_file.read_text().strip()
        answer = await UploadServiceStub(self.channel).CompleteUpload(request, metadata=service_metadata(token))
        return await self.job(answer.job_id)

    async def job(self, job_id: str) -> Job:
        """The job as a publisher sees it."""
        return (await self._jobs.GetJob(GetJobRequest(job_id=job_id), metadata=self.publisher)).job

    async def cancel(self, job_id: str) -> None:
        """Ask for a job to stop."""
        await self._jobs.CancelJob(CancelJobRequest(job_id=job_id), metadata=self.publisher)

    async def retry(self, job_id: str) -> None:
        """Queue a job again."""
        await self._jobs.RetryJob(RetryJobRequest(job_id=job_id), metadata=self.publisher)

    async def delete(self, title_id: str) -> None:
        """Delete a title and all that belongs to it."""
        await CatalogueServiceStub(self.channel).DeleteTitle(
            DeleteTitleRequest(title_id=title_id), metadata=self.publisher
        )

    async def hire(self, *before: str) -> Process:
        """Start a worker; `before` are words of a command that becomes it."""
        environment = {f"MATINEE_{name.upper()}": json.dumps(values) for name, values in self.sections.items()}
        with (self.settings.data / f"worker-{len(self.workers)}.log").open("wb") as output:
            worker = await asyncio.create_subprocess_exec(
                *before, sys.executable, *WORKER, stderr=output,
                env={**os.environ, **environment, "MATINEE_DATA": str(self.settings.data)},
            )  # fmt: skip
        self.workers.append(worker)
        return worker

    def log(self, event: str) -> list[dict[str, Any]]:
        """What all workers have logged under this event, in order."""
        logs = [path.read_text() for path in sorted(self.settings.data.glob("worker-*.log"))]
        whole = [line for log in logs for line in log.splitlines(keepends=True) if line.endswith("\n")]
        return [said for said in map(json.loads, whole) if said["event"] == event]

    async def keys(self, prefix: str) -> list[str]:
        """The keys in the store below a prefix; what services probe it with is none of a film."""
        return [found.key for found in await self.store.list(prefix) if not found.key.startswith("health/")]

    def children(self) -> list[str]:
        """The command lines of all processes, workers apart, that have something open in the data directory."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has ended meanwhile
                continue
            if str(self.settings.scratch_directory) in command:
                found.append(command)
        return found

    def _announced(self) -> bool:
        return self.settings.service_token_file.exists() and (self.settings.data / "admin.json").exists()

    @property
    def claims(self) -> dict[str, Any]:
        """What the publisher's access token says."""
        return claims_of(self.publisher)

    @property
    def _jobs(self) -> "JobServiceAsyncStub":
        return JobServiceStub(self.channel)


@asynccontextmanager
async def opened(data: Path, **sections: dict[str, Any]) -> AsyncIterator[Studio]:
    """A studio on an empty folder; `sections` are settings, by table."""
    settings = load_settings(data=data, **sections)
    store = open_store(settings.store_url, settings.store)
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(open_channel(settings.control_address))
        studio = Studio(settings, store, channel, sections)
        stack.push_async_callback(studio.close)
        await studio.open()
        yield studio


async def dismiss(worker: Process, number: int = signal.SIGTERM) -> None:
    """End a worker and wait for its end."""
    if worker.returncode is None:
        worker.send_signal(number)
        await worker.wait()


async def _signed_in(settings: Settings, channel: Channel) -> Metadata:
    admin = json.loads((settings.data / "admin.json").read_text())
    answer = await AuthServiceStub(channel).Login(LoginRequest(**admin), wait_for_ready=True)
    return ((AUTHORIZATION_KEY, f"Bearer {answer.access_token}"),)
