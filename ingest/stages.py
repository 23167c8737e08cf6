"""The stages of a job, and how an attempt at one may end. Pure: the shell in `attempt` performs what is said here."""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from ingest import scratch
from ingest.ffmpeg import GaveUp
from matinee.errors import Cancelled, Conflict, DiskFull, InvalidInput, MatineeError, Misconfigured, SourceRefused
from protos.v1.jobs_pb2 import JobStage, JobState

Stage: TypeAlias = "JobStage.ValueType"
State: TypeAlias = "JobState.ValueType"

SHARES: dict[Stage, float] = {
    JobStage.JOB_STAGE_FETCH: 0.03,
    JobStage.JOB_STAGE_PROBE: 0.01,
    JobStage.JOB_STAGE_ENCODE: 0.86,
    JobStage.JOB_STAGE_ASSEMBLE: 0.03,
    JobStage.JOB_STAGE_VALIDATE: 0.05,
    JobStage.JOB_STAGE_PUBLISH: 0.02,
}
"""Each stage in its order, and what part of the whole job it is; the sum is 1."""

UNFORESEEN = "the worker failed unexpectedly; its log says where"


class LeaseLost(MatineeError):
    """The job belongs to another worker now, or may: this one must not touch it any more."""


class JobGone(LeaseLost):
    """There is no such job any more: somebody has deleted its title."""


class NotValid(MatineeError):
    """What was made breaks a rule, so that it is not published; the text names the rule."""


class Progress:
    """How far an attempt is: its stage and the part of the whole job that is done; neither ever goes back."""

    def __init__(self) -> None:
        self.stage: Stage = JobStage.JOB_STAGE_FETCH
        self.done = 0.0

    def enter(self, stage: Stage) -> None:
        """Begin a stage."""
        self.stage = stage
        self.reach(0)

    def reach(self, part: float) -> None:
        """Note that `part` of the present stage, 0 to 1, is done."""
        before = sum(share for stage, share in SHARES.items() if stage < self.stage)
        self.done = min(max(self.done, before + SHARES[self.stage] * part), 1.0)


@dataclass(frozen=True)
class Ending:
    """What becomes of a job whose attempt did not publish, and the sentence for the person who uploaded.

    With JOB_STATE_UNSPECIFIED the worker says nothing to control, since the job is not its own any more. The film
    itself was `refused` when it is to blame, whoever works on it; the job is `blameless` when the worker lacks what the
    sentence names, so that the try does not count.
    """

    state: State
    message: str
    refused: bool = False
    blameless: bool = False


def ending(error: BaseException) -> Ending:
    """How an attempt ends that failed with `error`; of errors side by side the first counts.

    A retry mends what the surroundings did (a store that is away, a full disk, a stop), and never what the film is.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and error.errno in scratch.FULL:
        error = scratch.full()
    state, message = next((state, message) for kinds, state, message in _ENDINGS if isinstance(error, kinds))
    refused = isinstance(error, SourceRefused) and not isinstance(error, GaveUp)
    return Ending(state, message or str(error), refused, blameless=isinstance(error, DiskFull | Misconfigured))


_ENDINGS: tuple[tuple[tuple[type[BaseException], ...], State, str], ...] = (
    ((LeaseLost, Conflict), JobState.JOB_STATE_UNSPECIFIED, ""),
    ((asyncio.CancelledError,), JobState.JOB_STATE_QUEUED, ""),
    ((Cancelled,), JobState.JOB_STATE_CANCELLED, ""),
    ((InvalidInput, NotValid), JobState.JOB_STATE_FAILED, ""),
    ((MatineeError,), JobState.JOB_STATE_QUEUED, ""),
    ((BaseException,), JobState.JOB_STATE_QUEUED, UNFORESEEN),
)
"""The first row that fits counts; an empty sentence stands for the error's own. A worker that was told to stop has
none, and so says to control that nothing went wrong."""
