"""The life of a job: leases, fencing, backing off, giving up."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.jobs.job import (
    LONGEST_BACKOFF_SECONDS,
    Job,
    cancelled,
    heard,
    leased,
    published,
    put_back,
    released,
    retried,
)
from control.jobs.job_states import Event, State
from matinee.errors import Conflict
from protos.v1.jobs_pb2 import JOB_STAGE_FETCH

NEW = Job("j", "t", "u", "a", "film.mkv", 1000, "", created_at=0, updated_at=0, due_at=0)
LIMIT = 3


def lease(job: Job, now: float = 0) -> Job:
    return leased(job, "worker", now=now, seconds=30, limit=LIMIT)


def hear(job: Job, progress: float, now: float = 1) -> Job:
    return heard(job, job.fencing_token, stage=3, progress=progress, now=now, seconds=30)


def give_back(job: Job, message: str = "the store failed", now: float = 1) -> Job:
    return released(job, job.fencing_token, Event.GIVE_BACK, message, now=now, limit=LIMIT)


def test_a_lease_runs_and_ends_after_its_seconds() -> None:
    job = lease(NEW, now=5)
    assert (job.state, job.attempts, job.fencing_token, job.due_at) == (State.RUNNING, 1, 1, 35)


def test_a_leased_job_begins_with_the_first_stage_however_far_it_was() -> None:
    assert lease(NEW).stage == JOB_STAGE_FETCH
    assert lease(hear(lease(NEW), 0.5), now=60).stage == JOB_STAGE_FETCH


def test_why_a_job_is_tried_again_is_said_until_it_has_got_further() -> None:
    again = lease(give_back(hear(lease(NEW), 0.5)), now=60)
    assert hear(again, 0.5).message == "the store failed"
    assert hear(again, 0.51).message == ""


def test_a_job_that_is_not_due_is_not_leased() -> None:
    with pytest.raises(Conflict, match="not due"):
        lease(lease(NEW), now=29)


def test_a_clock_that_was_turned_back_keeps_no_job_waiting() -> None:
    assert lease(replace(NEW, due_at=86_400), now=0).state is State.RUNNING
    with pytest.raises(Conflict, match="not due"):
        lease(lease(NEW, now=86_400), now=0)  # whose worker may live


def test_a_job_whose_lease_has_expired_goes_to_the_next_worker_with_a_higher_token() -> None:
    second = lease(lease(NEW), now=30)
    assert (second.state, second.attempts, second.fencing_token) == (State.RUNNING, 2, 2)


@pytest.mark.parametrize(
    "say",
    [
        lambda job: heard(job, 1, stage=3, progress=0.5, now=31, seconds=30),
        lambda job: published(job, 1, now=31),
        lambda job: released(job, 1, Event.FAIL, "no", now=31, limit=LIMIT),
    ],
)
def test_what_a_fenced_off_worker_says_is_refused(say: Callable[[Job], Job]) -> None:
    job = lease(lease(NEW), now=30)
    with pytest.raises(Conflict, match="this lease of the job has ended"):
        say(job)


def test_a_heartbeat_extends_the_lease() -> None:
    assert hear(lease(NEW), 0.1, now=20).due_at == 50


def test_progress_never_goes_back_nor_beyond_the_end() -> None:
    job = hear(hear(lease(NEW), 0.5), 0.2)
    assert job.progress == 0.5
    assert hear(job, 7.0).progress == 1.0
    assert hear(job, float("nan")).progress == 0.5


def test_a_job_that_is_given_back_waits_longer_each_time() -> None:
    first = give_back(lease(NEW), now=1)
    second = give_back(lease(first, now=100), now=101)
    assert (first.state, first.due_at - 1, second.due_at - 101) == (State.QUEUED, 2, 4)


def test_a_job_is_failed_when_the_last_try_is_given_back() -> None:
    job = NEW
    for turn in range(LIMIT):
        job = give_back(lease(job, now=turn * 100), now=turn * 100 + 1)
    assert (job.state, job.message) == (State.FAILED, "the store failed")


def test_a_job_whose_worker_was_lost_too_often_is_failed() -> None:
    job = NEW
    for turn in range(LIMIT + 1):
        job = lease(job, now=turn * 30)
    assert job.state is State.FAILED
    assert "lost 3 times" in job.message


def test_lost_workers_do_not_fail_a_job_that_gets_further_each_time() -> None:
    job = NEW
    for turn in range(10):
        job = hear(lease(job, now=turn * 100), progress=(turn + 1) / 20, now=turn * 100 + 1)
    assert (job.state, job.attempts) == (State.RUNNING, 10)


def test_a_worker_that_only_goes_away_costs_no_try_and_no_wait() -> None:
    job = NEW
    for turn in range(10):
        job = give_back(lease(job, now=turn), message="", now=turn)
    assert (job.state, job.due_at) == (State.QUEUED, 9)


def lack(job: Job, now: float) -> Job:
    return put_back(job, job.fencing_token, "the store is away", now=now)


def test_what_is_no_fault_of_a_job_costs_no_try_and_is_told_with_its_beginning() -> None:
    job = NEW
    for turn in range(10):
        job = lack(lease(job, now=1000 * turn), now=1000 * turn + 1)
    assert (job.state, job.fruitless, job.message, job.waits_since) == (State.QUEUED, 0, "the store is away", 1)


def test_a_job_waits_as_long_as_it_has_waited_within_limits() -> None:
    waits, job = [], NEW
    for now in (10, 12, 20, 100, 9000):
        job = lack(lease(job, now=now), now=now)
        waits.append(job.due_at - now)
    assert waits == [2, 2, 10, 90, LONGEST_BACKOFF_SECONDS]


def test_a_clock_that_was_turned_back_has_a_job_wait_no_longer() -> None:
    job = lack(lease(NEW, now=1000), now=1000)
    assert lack(replace(job, state=State.RUNNING), now=10).due_at == 12


def test_a_job_waits_no_more_once_it_has_got_further() -> None:
    again = lease(lack(hear(lease(NEW), 0.5), now=2), now=60)
    assert hear(again, 0.5).waits_since == 2
    assert hear(again, 0.51).waits_since is None
    assert lack(hear(again, 0.6), now=90).waits_since == 90


@pytest.mark.parametrize(
    "leave",
    [
        lambda job: published(job, job.fencing_token, now=9),
        lambda job: give_back(job, now=9),
        lambda job: lack(cancelled(job, now=9), now=9),
    ],
    ids=["published", "given back", "cancelled"],
)
def test_a_job_that_goes_another_way_waits_no_more(leave: Callable[[Job], Job]) -> None:
    assert leave(lease(lack(lease(NEW), now=1), now=5)).waits_since is None


def test_a_waiting_job_that_is_cancelled_says_no_more_what_it_waits_for() -> None:
    job = cancelled(lack(lease(NEW), now=1), now=2)
    assert (job.state, job.message, job.waits_since) == (State.CANCELLED, "", None)


def test_a_queued_job_is_cancelled_at_once() -> None:
    assert cancelled(NEW, now=1).state is State.CANCELLED


def test_a_running_job_is_cancelled_when_its_worker_stops() -> None:
    asked = cancelled(lease(NEW), now=1)
    stopped = released(asked, 1, Event.STOP, "", now=2, limit=LIMIT)
    assert (asked.state, stopped.state) == (State.CANCELLING, State.CANCELLED)


def test_a_job_that_shall_stop_is_cancelled_when_its_worker_would_publish() -> None:
    job = published(cancelled(hear(lease(NEW), 0.5), now=1), 1, now=2)
    assert (job.state, job.progress, job.worker_id) == (State.CANCELLED, 0.5, "")


def test_a_job_that_shall_stop_and_lost_its_worker_is_cancelled() -> None:
    assert lease(cancelled(lease(NEW), now=1), now=30).state is State.CANCELLED
    assert cancelled(lease(NEW), now=31).state is State.CANCELLED


def test_a_retried_job_has_all_its_tries_and_a_higher_token() -> None:
    failed = released(hear(lease(NEW), 0.5), 1, Event.FAIL, "no video", now=2, limit=LIMIT)
    job = lease(retried(failed, now=3), now=3)
    assert (job.fencing_token, job.fruitless, job.progress, job.message) == (2, 1, 0.0, "")


def test_a_refused_film_is_not_tried_again() -> None:
    refused = released(lease(NEW), 1, Event.REFUSE, "it has no video", now=2, limit=LIMIT)
    assert (refused.state, refused.message) == (State.REFUSED, "it has no video")
    with pytest.raises(Conflict, match="the film was refused, and its bytes are removed: upload it again"):
        retried(refused, now=3)


def test_a_message_is_cut_to_what_is_stored() -> None:
    assert len(released(lease(NEW), 1, Event.FAIL, "x" * 9999, now=1, limit=LIMIT).message) == 500


Act = Callable[[Job, float], Job]
ACTS: dict[str, Act] = {
    "lease": lease,
    "hear": lambda job, now: hear(job, job.progress + 0.005, now),
    "give back": lambda job, now: give_back(job, now=now),
    "lack": lack,
    "refuse": lambda job, now: released(job, job.fencing_token, Event.REFUSE, "no", now=now, limit=LIMIT),
    "fail": lambda job, now: released(job, job.fencing_token, Event.FAIL, "no", now=now, limit=LIMIT),
    "stop": lambda job, now: released(job, job.fencing_token, Event.STOP, "", now=now, limit=LIMIT),
    "publish": lambda job, now: published(job, job.fencing_token, now=now),
    "cancel": lambda job, now: cancelled(job, now=now),
    "retry": lambda job, now: retried(job, now=now),
}


@given(st.lists(st.sampled_from(sorted(ACTS))))
def test_any_life_keeps_the_promises(acts: list[str]) -> None:
    job, now = NEW, 0.0
    for act in acts:
        now += LONGEST_BACKOFF_SECONDS if act == "lease" else 1
        before = job
        try:
            job = ACTS[act](job, now)
        except Conflict:
            continue
        assert job.fencing_token >= before.fencing_token
        assert job.attempts == job.fencing_token
        assert 0 <= job.fruitless <= LIMIT
        assert job.held == bool(job.worker_id)
        assert job.waits_since is None or job.state in {State.QUEUED, State.RUNNING, State.CANCELLING}
