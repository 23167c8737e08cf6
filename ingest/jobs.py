"""What the worker says to control: WorkerService of protos/v1/jobs.proto."""

from matinee.rpc.call_errors import translated
from matinee.rpc.channel import Channel
from matinee.rpc.metadata import service_metadata
from protos.v1.jobs_pb2 import (
    BeginAssetRequest,
    HeartbeatRequest,
    JobLease,
    LeaseJobRequest,
    PublishAssetRequest,
    ReleaseJobRequest,
)
from protos.v1.jobs_pb2_grpc import WorkerServiceStub


class Jobs:
    """The jobs that control gives to workers. Every method raises the error that control answers."""

    def __init__(self, channel: Channel, service_token: str, deadline_seconds: float) -> None:
        self._service = WorkerServiceStub(channel)
        self._metadata = service_metadata(service_token)
        self._deadline = deadline_seconds

    async def lease(self, worker_id: str) -> JobLease | None:
        """Take a job; None when none waits."""
        async with translated():
            answer = await self._service.LeaseJob(
                LeaseJobRequest(worker_id=worker_id), metadata=self._metadata, timeout=self._deadline
            )
        return answer.lease if answer.HasField("lease") else None

    async def heartbeat(self, request: HeartbeatRequest, deadline_seconds: float) -> bool:
        """Keep a lease and report progress; answers whether the job was cancelled."""
        async with translated():
            answer = await self._service.Heartbeat(request, metadata=self._metadata, timeout=deadline_seconds)
        return answer.cancel_requested

    async def begin(self, request: BeginAssetRequest) -> None:
        """Say that objects of an asset will be written; waits for a control that restarts."""
        async with translated():
            await self._service.BeginAsset(
                request, metadata=self._metadata, timeout=self._deadline, wait_for_ready=True
            )

    async def publish(self, request: PublishAssetRequest) -> None:
        """Flip the title to its new asset; waits for a control that restarts."""
        async with translated():
            await self._service.PublishAsset(
                request, metadata=self._metadata, timeout=self._deadline, wait_for_ready=True
            )

    async def release(self, request: ReleaseJobRequest, deadline_seconds: float) -> None:
        """Give a job back."""
        async with translated():
            await self._service.ReleaseJob(request, metadata=self._metadata, timeout=deadline_seconds)
