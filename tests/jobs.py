"""WorkerService in memory, behind a real gRPC server: what control says to workers, for tests of the worker alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from ingest.jobs import Jobs
from matinee.errors import Conflict, MatineeError
from matinee.rpc.call_errors import refuse
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.server import Context, make_server
from protos.v1 import jobs_pb2 as pb
from protos.v1.jobs_pb2_grpc import WorkerServiceServicer, add_WorkerServiceServicer_to_server

Request = TypeVar("Request")


class Desk(WorkerServiceServicer):
    """One job, its lease, and all that was heard of it."""

    def __init__(self) -> None:
        self.waiting: list[pb.JobLease] = []
        self.asked: list[pb.LeaseJobRequest] = []
        self.fencing_token = 0
        self.cancel_requested = False
        self.silent = False
        """Whether heartbeats are never answered."""
        self.failure: MatineeError | None = None
        self.heartbeats: list[pb.HeartbeatRequest] = []
        self.begun: list[pb.BeginAssetRequest] = []
        self.published: list[pb.PublishAssetRequest] = []
        self.released: list[pb.ReleaseJobRequest] = []
        self.heard = asyncio.Condition()

    @override
    async def LeaseJob(self, request: pb.LeaseJobRequest, context: Context) -> pb.LeaseJobResponse:
        await self._note(self.asked, request)
        if not self.waiting:
            return pb.LeaseJobResponse()
        terms = self.waiting.pop(0)
        self.fencing_token = terms.fencing_token
        return pb.LeaseJobResponse(lease=terms)

    @override
    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Context) -> pb.HeartbeatResponse:
        await self._note(self.heartbeats, request)
        if self.silent:
            await asyncio.Event().wait()
        await self._check(request.fencing_token, context)
        return pb.HeartbeatResponse(cancel_requested=self.cancel_requested)

    @override
    async def BeginAsset(self, request: pb.BeginAssetRequest, context: Context) -> pb.BeginAssetResponse:
        await self._check(request.fencing_token, context)
        await self._note(self.begun, request)
        return pb.BeginAssetResponse()

    @override
    async def PublishAsset(self, request: pb.PublishAssetRequest, context: Context) -> pb.PublishAssetResponse:
        await self._check(request.fencing_token, context)
        await self._note(self.published, request)
        return pb.PublishAssetResponse()

    @override
    async def ReleaseJob(self, request: pb.ReleaseJobRequest, context: Context) -> pb.ReleaseJobResponse:
        await self._check(request.fencing_token, context)
        await self._note(self.released, request)
        return pb.ReleaseJobResponse()

    async def _note(self, said: list[Request], request: Request) -> None:
        async with self.heard:
            said.append(request)
            self.heard.notify_all()

    async def _check(self, fencing_token: int, context: Context) -> None:
        error = self.failure
        if fencing_token < self.fencing_token:
            error = Conflict("another lease of the job is newer")
        if error:
            await refuse(context, error)


@asynccontextmanager
async def serving(desk: Desk, folder: Path) -> AsyncIterator[Channel]:
    """A channel to the desk, over a unix socket in `folder`."""
    address = f"unix:{folder / 'desk.sock'}"
    server = make_server()
    add_WorkerServiceServicer_to_server(desk, server)
    server.add_insecure_port(address)
    await server.start()
    try:
        async with open_channel(address) as channel:
            await channel.channel_ready()
            yield channel
    finally:
        await server.stop(0)


def client(channel: Channel) -> Jobs:
    """A worker's view of the desk."""
    return Jobs(channel, "secret", deadline_seconds=5)
