import asyncio
import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ffmpeg import GaveUp
from ingest.stages import SHARES, Ending, LeaseLost, NotValid, Progress, State, ending
from matinee.errors import Cancelled, Conflict, DataLoss, DiskFull, Misconfigured, SourceRefused, Unavailable
from protos.v1.jobs_pb2 import JobStage, JobState


def test_the_stages_make_one_whole_job() -> None:
    assert list(SHARES) == sorted(SHARES)
    assert sum(SHARES.values()) == pytest.approx(1)


def test_encoding_is_most_of_the_job() -> None:
    assert SHARES[JobStage.JOB_STAGE_ENCODE] > 0.8


@given(st.lists(st.floats(0, 1), max_size=20))
def test_progress_never_goes_back(parts: list[float]) -> None:
    progress, seen = Progress(), [0.0]
    for stage in SHARES:
        progress.enter(stage)
        for part in parts:
            progress.reach(part)
            seen.append(progress.done)
    progress.reach(1)
    assert seen == sorted(seen)
    assert progress.done == pytest.approx(1)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SourceRefused("it has no picture"), JobState.JOB_STATE_FAILED),
        (NotValid("v1080.mp4 lacks a frame"), JobState.JOB_STATE_FAILED),
        (Unavailable("the store is away"), JobState.JOB_STATE_QUEUED),
        (DataLoss("a part is missing"), JobState.JOB_STATE_QUEUED),
        (OSError(errno.ENOSPC, "No space left on device"), JobState.JOB_STATE_QUEUED),
        (ZeroDivisionError(), JobState.JOB_STATE_QUEUED),
        (Cancelled("cancelled on request"), JobState.JOB_STATE_CANCELLED),
        (ExceptionGroup("spans", [SourceRefused("it has no picture")]), JobState.JOB_STATE_FAILED),
    ],
)
def test_an_attempt_that_failed_says_what_becomes_of_the_job(error: BaseException, state: State) -> None:
    assert ending(error).state == state
    assert ending(error).message


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (SourceRefused("it has no picture"), True),
        (GaveUp("ffmpeg gave up: exit status -11"), False),
        (NotValid("v1080.mp4 lacks a frame"), False),
        (Unavailable("the store is away"), False),
    ],
)
def test_a_film_is_refused_when_nothing_else_can_be_to_blame(error: BaseException, refused: bool) -> None:
    assert ending(error).refused == refused


def test_a_worker_that_is_told_to_stop_gives_the_job_back_without_blame() -> None:
    assert ending(asyncio.CancelledError()) == Ending(JobState.JOB_STATE_QUEUED, "")


@pytest.mark.parametrize(
    ("error", "blameless"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (ExceptionGroup("spans", [OSError(errno.EDQUOT, "Disk quota exceeded")]), True),
        (DiskFull("the object store is full"), True),
        (ExceptionGroup("spans", [Misconfigured("a Dask worker has another store")]), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (Unavailable("ffmpeg was killed from outside"), False),
    ],
)
def test_what_its_worker_lacks_is_no_fault_of_the_job(error: BaseException, blameless: bool) -> None:
    assert ending(error).blameless == blameless


@pytest.mark.parametrize("error", [LeaseLost("no heartbeat"), Conflict("another lease is newer")])
def test_a_worker_without_its_lease_says_nothing(error: Exception) -> None:
    assert ending(error).state == JobState.JOB_STATE_UNSPECIFIED


def test_a_failure_of_the_program_itself_does_not_show_its_inside() -> None:
    assert "secret" not in ending(KeyError("secret")).message
