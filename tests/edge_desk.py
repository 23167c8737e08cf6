"""Control's side of EdgeService at the seam: a genuine gRPC servicer whose answers a test decides."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from matinee.errors import PermissionDenied
from matinee.rpc.call_errors import refuse
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.metadata import SERVICE_TOKEN_KEY
from matinee.rpc.server import Context, make_server
from protos.v1 import playback_pb2
from protos.v1.playback_pb2_grpc import EdgeServiceServicer, add_EdgeServiceServicer_to_server


def timestamp(seconds: float) -> Timestamp:
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


@dataclass
class EdgeDesk(EdgeServiceServicer):
    """Grants what is asked for, but to ended sessions; records what the edge says."""

    grant_seconds: float = 60
    max_height: int = 0
    ended: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    metadata: list[str] = field(default_factory=list)
    reports: list[tuple[str, list[str]]] = field(default_factory=list)
    news: "asyncio.Queue[playback_pb2.ConnectResponse]" = field(default_factory=asyncio.Queue)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    silent: bool = False
    """Whether it hangs: it takes reports, and answers none."""
    brief: bool = False
    """Whether it ends every stream after the first answer."""
    streams: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    def grant(self, session_id: str, asset_id: str) -> playback_pb2.Grant:
        expires_at = timestamp(time.time() + self.grant_seconds)
        return playback_pb2.Grant(
            session_id=session_id, asset_id=asset_id, expires_at=expires_at, max_height=self.max_height
        )

    async def GetGrant(  # noqa: N802 - the name that gRPC calls
        self, request: playback_pb2.GetGrantRequest, context: Context
    ) -> playback_pb2.GetGrantResponse:
        self.asked.append(request.session_id)
        self.metadata += [str(value) for key, value in context.invocation_metadata() or () if key == SERVICE_TOKEN_KEY]
        await self.open.wait()
        if request.session_id in self.ended:
            await refuse(context, PermissionDenied("this playback session has ended", cause="PLAN_REQUIRED"))
        return playback_pb2.GetGrantResponse(grant=self.grant(request.session_id, request.asset_id))

    async def Connect(  # noqa: N802 - the name that gRPC calls
        self, request_iterator: AsyncIterator[playback_pb2.ConnectRequest], _: Context
    ) -> AsyncIterator[playback_pb2.ConnectResponse]:
        self.streams += 1
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(request_iterator))
            try:
                yield await self.news.get()
                while not self.brief:
                    yield await self.news.get()
            finally:
                listening.cancel()

    async def _listen(self, reports: AsyncIterator[playback_pb2.ConnectRequest]) -> None:
        async for report in reports:
            self.reports.append((report.edge_id, list(report.active_session_ids)))
            if not self.silent:
                await self.news.put(playback_pb2.ConnectResponse())

    async def revoke(self, session_id: str) -> None:
        self.ended.add(session_id)
        revocation = playback_pb2.Revocation(session_id=session_id, reason="stopped", cause="PLAN_REQUIRED")
        await self.news.put(playback_pb2.ConnectResponse(revoked=[revocation]))


@asynccontextmanager
async def at_work(desk: EdgeDesk, socket: Path) -> AsyncIterator[Channel]:
    """The desk behind a unix socket, and a channel to it."""
    server = make_server()
    add_EdgeServiceServicer_to_server(desk, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        async with open_channel(f"unix:{socket}") as channel:
            yield channel
    finally:
        await server.stop(None)


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Runs a service in the background, and cancels it at the end."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
