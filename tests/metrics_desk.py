"""Control's side of MetricsService at the seam: a genuine gRPC servicer whose answers a test decides."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matinee.errors import MatineeError
from matinee.rpc.call_errors import refuse
from matinee.rpc.channel import Channel, open_channel
from matinee.rpc.server import Context, make_server
from protos.v1.events_pb2 import CmcdReport
from protos.v1.metrics_pb2 import PublishMetricsRequest, PublishMetricsResponse
from protos.v1.metrics_pb2_grpc import MetricsServiceServicer, add_MetricsServiceServicer_to_server


@dataclass
class MetricsDesk(MetricsServiceServicer):
    """Takes batches, unless it has a reason not to."""

    refusal: MatineeError | None = None
    batches: list[PublishMetricsRequest] = field(default_factory=list)
    asked: int = 0
    ended: Sequence[str] = ()
    """Sessions that it says have ended."""

    async def PublishMetrics(  # noqa: N802 - the name that gRPC calls
        self, request: PublishMetricsRequest, context: Context
    ) -> PublishMetricsResponse:
        self.asked += 1
        if self.refusal:
            await refuse(context, self.refusal)
        self.batches.append(request)
        return PublishMetricsResponse(ended_session_ids=self.ended)

    def reports(self, session_id: str) -> Iterator[CmcdReport]:
        """What came of one playback session."""
        for batch in self.batches:
            for metrics in batch.metrics:
                if metrics.session_id == session_id:
                    yield from metrics.reports


@asynccontextmanager
async def at_work(desk: MetricsDesk, socket: Path) -> AsyncIterator[Channel]:
    """The desk behind a unix socket, and a channel to it."""
    server = make_server()
    add_MetricsServiceServicer_to_server(desk, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        async with open_channel(f"unix:{socket}") as channel:
            yield channel
    finally:
        await server.stop(None)
