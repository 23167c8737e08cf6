"""Training: when it is due, that it is done once, and what becomes of one that fails or is cut short."""

import asyncio
from dataclasses import dataclass

import pytest

from control.analytics import learning
from control.analytics.training import RETRY_SECONDS, SILENT_SECONDS, Trainer, due
from control.database import Database, recommendations, trainings
from control.database.trainings import Training
from matinee.errors import ResourceExhausted
from matinee.settings import RecommendationSettings
from tests.patience import until
from tests.viewing import HISTORY, HOUR, NOON, numbered, opened, paused

pytestmark = pytest.mark.anyio

TRAIN_SECONDS = 6 * HOUR


@dataclass
class Academy:
    """A database with a little history, and trainers on it."""

    database: Database
    now: float = NOON + HOUR

    def trainer(self) -> Trainer:
        return Trainer(self.database, RecommendationSettings(train_hours=6), lambda: self.now)

    async def last(self) -> Training:
        async with self.database.read() as connection:
            return await trainings.last(connection)

    async def version(self) -> str:
        async with self.database.read() as connection:
            return await recommendations.version(connection)


@pytest.fixture
async def academy(database: Database, anyio_backend: str) -> Academy:
    cinema = await opened(database, 2, 2)
    await cinema.consume(HISTORY, [paused(numbered("a", 0), numbered("t", 0), NOON, 600, watched=600)])
    return Academy(database)


@pytest.mark.parametrize(
    ("training", "at"),
    [
        (Training(), TRAIN_SECONDS),
        (Training(begun_at=100, told_at=130), 130 + SILENT_SECONDS),
        (Training(begun_at=100, told_at=130, ended_at=150), 100 + TRAIN_SECONDS),
        (Training(begun_at=100, told_at=130, ended_at=150, failure="no"), 150 + RETRY_SECONDS),
    ],
    ids=["there was none", "nobody tells of it", "it is done", "it failed"],
)
def test_it_is_due(training: Training, at: float) -> None:
    assert [due(training, now, TRAIN_SECONDS) for now in (at - 1, at)] == [False, True]


async def test_it_is_begun_once_and_then_waits_for_nobody(academy: Academy) -> None:
    first = await academy.trainer().begin()
    academy.now += 1
    assert await academy.trainer().begin() == first == await academy.last()
    assert first == Training(begun_at=NOON + HOUR)
    assert first.goes_on


async def test_what_was_begun_is_done_in_the_next_round_and_has_an_end(academy: Academy) -> None:
    await academy.trainer().begin()
    academy.now += 1
    await academy.trainer().make_round()
    done = await academy.last()
    assert (done.begun_at, done.ended_at, done.failure) == (NOON + HOUR, NOON + HOUR + 1, "")
    assert await academy.version()


async def test_it_is_learnt_again_when_that_is_due_and_no_sooner(academy: Academy) -> None:
    versions = []
    for seconds in (0, TRAIN_SECONDS - 1, 1):
        academy.now += seconds
        await academy.trainer().make_round()
        versions.append(await academy.version())
    assert versions[0] == versions[1] != versions[2]


async def test_what_somebody_else_works_at_is_left_to_them_until_they_fall_silent(academy: Academy) -> None:
    async with academy.database.write() as connection:
        await trainings.put(connection, Training(academy.now, academy.now))
    academy.now += SILENT_SECONDS - 1
    await academy.trainer().make_round()
    assert (await academy.last()).goes_on
    academy.now += 1
    await academy.trainer().make_round()
    assert not (await academy.last()).goes_on


async def test_who_is_stopped_leaves_it_to_the_next_at_once(academy: Academy) -> None:
    trainer = academy.trainer()
    begun = await trainer.begin()
    round_ = asyncio.create_task(trainer.make_round())
    await until(lambda: _taken_up(academy))
    round_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await round_
    assert await academy.last() == begun
    await academy.trainer().make_round()
    assert not (await academy.last()).goes_on


async def test_who_was_away_for_long_does_not_end_the_training_that_was_begun_since(
    academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = Training(academy.now + HOUR, academy.now + HOUR)

    async def learn(*_: object) -> bytes:
        async with academy.database.write() as connection:
            await trainings.put(connection, since)
        raise ResourceExhausted("there is too little memory")

    monkeypatch.setattr(learning, "learn", learn)
    await academy.trainer().make_round()
    assert await academy.last() == since


async def test_a_failure_is_told_and_what_was_learnt_before_stays(
    academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await academy.trainer().make_round()
    before = await academy.version()
    monkeypatch.setattr(learning, "COMMAND", ("/bin/false",))
    await academy.trainer().begin()
    await academy.trainer().make_round()
    assert "failed with exit status 1" in (await academy.last()).failure
    assert await academy.version() == before


async def test_what_nobody_foresaw_ends_a_training_and_not_control(
    academy: Academy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "COMMAND", ("/no/python",))
    await academy.trainer().make_round()
    assert "not foreseen" in (await academy.last()).failure


async def test_who_is_asked_to_begin_does_not_wait_for_the_next_round(academy: Academy) -> None:
    trainer = academy.trainer()
    running = asyncio.create_task(trainer.run())
    await until(lambda: _done(academy))
    academy.now += 1
    begun = await trainer.begin()
    await until(lambda: _done(academy))
    assert (await academy.last()).begun_at == begun.begun_at
    running.cancel()
    await asyncio.wait([running])


async def _taken_up(academy: Academy) -> bool:
    return bool((await academy.last()).told_at)


async def _done(academy: Academy) -> bool:
    last = await academy.last()
    return bool(last.begun_at) and not last.goes_on
