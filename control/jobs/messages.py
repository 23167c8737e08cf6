"""Jobs, as the contracts show them."""

from control.jobs.job import Job
from control.jobs.job_states import State
from control.timestamps import moment, timestamp
from protos.v1 import jobs_pb2

JOB_STATES = {
    State.QUEUED: jobs_pb2.JOB_STATE_QUEUED,
    State.RUNNING: jobs_pb2.JOB_STATE_RUNNING,
    State.CANCELLING: jobs_pb2.JOB_STATE_RUNNING,
    State.PUBLISHED: jobs_pb2.JOB_STATE_PUBLISHED,
    State.FAILED: jobs_pb2.JOB_STATE_FAILED,
    State.REFUSED: jobs_pb2.JOB_STATE_FAILED,
    State.CANCELLED: jobs_pb2.JOB_STATE_CANCELLED,
}


def job(stored: Job, title_name: str) -> jobs_pb2.Job:
    """A job; one that has been asked to stop still runs."""
    return jobs_pb2.Job(
        job_id=stored.job_id,
        title_id=stored.title_id,
        title_name=title_name,
        state=JOB_STATES[stored.state],
        stage=stored.stage,  # type: ignore[arg-type]
        progress=stored.progress,
        message=stored.message,
        attempts=stored.attempts,
        file_name=stored.file_name,
        size_bytes=stored.size_bytes,
        created_at=timestamp(stored.created_at),
        updated_at=timestamp(stored.updated_at),
        worker_id=stored.worker_id,
        cancel_requested=stored.state is State.CANCELLING,
        refused=stored.state is State.REFUSED,
        waits_since=moment(stored.waits_since),
        due_at=timestamp(stored.due_at) if stored.state is State.QUEUED and stored.message else None,
    )
