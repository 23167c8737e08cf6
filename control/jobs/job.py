"""A job and its life: pure functions from a job to the job that follows.

A worker holds a job by a lease with a fencing token. When the lease ends without a heartbeat the job goes to the next
worker with a higher token, and whatever the old worker still says is refused.

What is no fault of the job, a store that is away or a disk that is full, costs no try: it waits, and says since when.

A job fails for good when `limit` leases in a row were fruitless: each ended without having brought the job further by
PROGRESS_THAT_COUNTS. So a film that crashes its worker is given up, and a long one may see any number of restarts.
"""

from dataclasses import dataclass, replace

from control.jobs.job_states import Event, State, after
from matinee.errors import Conflict
from protos.v1.jobs_pb2 import JOB_STAGE_FETCH

PROGRESS_THAT_COUNTS = 0.01
BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 300.0
LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Job:
    """The work on one upload. Times are Unix seconds, `progress` is 0 to 1, `stage` a number of `JobStage`."""

    job_id: str
    title_id: str
    upload_id: str
    account_id: str
    file_name: str
    size_bytes: int
    sha256: str
    created_at: float
    updated_at: float
    due_at: float
    """A queued job may be leased from then on; the lease of a running one ends then."""
    state: State = State.QUEUED
    stage: int = 0
    progress: float = 0.0
    message: str = ""
    attempts: int = 0
    fruitless: int = 0
    """Leases in a row, the present one included, that have not brought the job further."""
    progress_at_lease: float = 0.0
    fencing_token: int = 0
    worker_id: str = ""
    source_key: str = ""
    """Where the film lies, of one that was dropped there; empty: in the parts of its upload."""
    draft: bool = False
    """Whether a new title waits as a draft when it is ready."""
    request_id: str = ""
    """The request that made it, for the logs of whoever works on it."""
    traceparent: str = ""
    """The span in which it was made (W3C Trace Context)."""
    waits_since: float | None = None
    """Since when it waits for what is no fault of its own, and has got no further."""

    @property
    def held(self) -> bool:
        """Whether a worker has it."""
        return self.state in {State.RUNNING, State.CANCELLING}


def leased(job: Job, worker_id: str, *, now: float, seconds: float, limit: int) -> Job:
    """The job in a worker's hands; or, when it must not be tried again, the job as FAILED or CANCELLED.

    One that would wait for longer than any job does has waited since before the clock was turned back, and waits no
    more. Raises `Conflict` when it is not due.
    """
    if job.due_at > now and not (job.state is State.QUEUED and job.due_at > now + LONGEST_BACKOFF_SECONDS):
        raise Conflict("the job is not due yet")
    fruitless = _fruitless(job) + 1
    if job.state is State.CANCELLING:
        return _ended(job, Event.STOP, now, "")
    if fruitless > limit:
        return _ended(job, Event.FAIL, now, job.message or f"the worker was lost {limit} times at this film")
    return replace(
        job,
        state=after(job.state, Event.LEASE),
        stage=JOB_STAGE_FETCH,
        attempts=job.attempts + 1,
        fruitless=fruitless,
        progress_at_lease=job.progress,
        fencing_token=job.fencing_token + 1,
        worker_id=worker_id,
        due_at=now + seconds,
        updated_at=now,
    )


def heard(job: Job, fencing_token: int, *, stage: int, progress: float, now: float, seconds: float) -> Job:
    """The job after a heartbeat: lease extended, progress noted. Raises `Conflict` for a lease that is not current.

    Why it is tried again needs to be said no more once it has got further.
    """
    check_lease(job, fencing_token)
    furthest = max(job.progress, min(1.0, max(0.0, progress)))
    job = replace(job, stage=stage, progress=furthest, due_at=now + seconds, updated_at=now)
    return replace(job, message="", waits_since=None) if _has_got_further(job) else job


def published(job: Job, fencing_token: int, *, now: float) -> Job:
    """The job done; or CANCELLED, when it shall stop. Raises `Conflict` for a lease that is not current."""
    check_lease(job, fencing_token)
    done = _ended(job, Event.PUBLISH, now, "")
    return replace(done, progress=1.0) if done.state is State.PUBLISHED else done


def released(job: Job, fencing_token: int, event: Event, message: str, *, now: float, limit: int) -> Job:
    """The job as its worker leaves it: FAIL, REFUSE, STOP or GIVE_BACK.

    A job given back with a message counts as fruitless and waits a little; without one its worker only went away. For
    what is no fault of the job there is `put_back`. Raises `Conflict` for a lease that is not current.
    """
    check_lease(job, fencing_token)
    message = message[:LONGEST_MESSAGE]
    if event is not Event.GIVE_BACK or job.state is State.CANCELLING:
        return _ended(job, event, now, message)
    fruitless = _fruitless(job) if message else max(0, _fruitless(job) - 1)
    if fruitless >= limit:
        return _ended(job, Event.FAIL, now, message)
    wait = min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2.0 ** max(0, fruitless - 1)) if message else 0.0
    returned = _ended(job, Event.GIVE_BACK, now, message)
    return replace(returned, fruitless=fruitless, progress_at_lease=job.progress, due_at=now + wait)


def put_back(job: Job, fencing_token: int, message: str, *, now: float) -> Job:
    """The job in the queue again, whose worker lacks what the message names: that costs no try.

    It waits as long as it has waited already, within limits, since it may be that the job will never find it: a film
    that is larger than any disk. Raises `Conflict` for a lease that is not current.
    """
    check_lease(job, fencing_token)
    returned = _ended(job, Event.GIVE_BACK, now, message[:LONGEST_MESSAGE])
    if returned.state is not State.QUEUED:
        return returned
    since = now if job.waits_since is None else job.waits_since
    wait = min(LONGEST_BACKOFF_SECONDS, max(BACKOFF_SECONDS, now - since))
    fruitless = max(0, _fruitless(job) - 1)
    return replace(returned, waits_since=since, fruitless=fruitless, progress_at_lease=job.progress, due_at=now + wait)


def cancelled(job: Job, *, now: float) -> Job:
    """The job after somebody asked for it to stop; one whose lease has run out stops at once."""
    if job.state is State.QUEUED:
        return _ended(job, Event.CANCEL, now, "")
    asked = replace(job, state=after(job.state, Event.CANCEL), updated_at=now)
    return _ended(asked, Event.STOP, now, "") if asked.state is State.CANCELLING and job.due_at <= now else asked


def retried(job: Job, *, now: float) -> Job:
    """A failed or cancelled job in the queue again, with all its tries before it."""
    if job.state is State.REFUSED:
        raise Conflict("the film was refused, and its bytes are removed: upload it again when it is mended")
    queued = _ended(job, Event.RETRY, now, "")
    return replace(queued, stage=0, progress=0.0, progress_at_lease=0.0, fruitless=0, due_at=now)


def check_lease(job: Job, fencing_token: int) -> None:
    """Raises `Conflict` for a lease that is not current."""
    if not job.held or job.fencing_token != fencing_token:
        raise Conflict("this lease of the job has ended; stop working on it")


def _fruitless(job: Job) -> int:
    """Fruitless leases in a row; a lease that has brought the job further is the first of a new row."""
    return min(1, job.fruitless) if _has_got_further(job) else job.fruitless


def _has_got_further(job: Job) -> bool:
    """Whether its present lease has brought the job further than those before."""
    return job.progress - job.progress_at_lease >= PROGRESS_THAT_COUNTS


def _ended(job: Job, event: Event, now: float, message: str) -> Job:
    return replace(job, state=after(job.state, event), message=message, worker_id="", waits_since=None, updated_at=now)
