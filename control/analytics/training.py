"""Training: recommendations are learnt anew from the history, on a schedule and on demand.

A training is a row of the database, which some process takes up and tells of while it learns. So there is one at a
time, whoever asked for it; and one whose process has gone is taken up again.
"""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import structlog

from control.analytics import learning
from control.database import Database, recommendations, trainings
from control.database.recommendations import Model
from control.database.trainings import Training
from control.identifiers import new_id
from matinee.errors import MatineeError, Unavailable
from matinee.settings import RecommendationSettings
from matinee.tokens import Clock

ROUND_SECONDS = 30.0
TELL_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""A training of which nobody has told for so long has lost its process."""
RETRY_SECONDS = 600.0
"""So long after it failed it is tried again."""

log = structlog.get_logger()


def due(training: Training, now: float, train_seconds: float) -> bool:
    """Whether there is something to learn: for the first time or again, or what nobody works at."""
    if training.goes_on:
        return now >= training.told_at + SILENT_SECONDS
    if training.failure:
        return now >= training.ended_at + RETRY_SECONDS
    return now >= training.begun_at + train_seconds


class Trainer:
    """Learns when it is due; another process may do so first."""

    def __init__(self, database: Database, settings: RecommendationSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Learn whenever it is due, until cancelled."""
        while True:
            try:
                await self.make_round()
            except Unavailable as error:
                log.warning("recommendations will be learnt later", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def begin(self) -> Training:
        """Have it learnt anew, unless that goes on already; this does not wait. Raises `Unavailable`."""
        async with self._database.write() as connection:
            training = await trainings.last(connection, lock=True)
            if not training.goes_on:
                training = Training(self._clock())
                await trainings.put(connection, training)
        self._wake.set()
        return training

    async def make_round(self) -> None:
        """Learn if it is due. Raises `Unavailable` when the database is away."""
        taken: Training | None = None
        try:
            async with self._database.write() as connection:
                training, now = await trainings.last(connection, lock=True), self._clock()
                if not due(training, now, self._settings.train_hours * 3_600):
                    return
                taken = replace(training, told_at=now) if training.goes_on else Training(now, now)
                await trainings.put(connection, taken)
            await self._train(taken)
        except asyncio.CancelledError:
            if taken:
                await self._let_go(taken)
            raise

    async def _train(self, training: Training) -> None:
        telling = asyncio.create_task(self._tell(training))
        try:
            failure = await self._failure()
        finally:
            telling.cancel()
        async with self._database.write() as connection:
            await trainings.end(connection, training.begun_at, self._clock(), failure)

    async def _failure(self) -> str:
        """Learn. Why that failed; empty when it did not."""
        try:
            await self._learn()
        except MatineeError as error:
            log.warning("recommendations could not be learnt", reason=str(error))
            return str(error)
        except Exception:
            log.exception("recommendations could not be learnt")
            return "it failed in a way that was not foreseen: see the log of control"
        return ""

    async def _learn(self) -> None:
        async with self._database.read() as connection:
            works = await recommendations.most_watched(connection, self._settings.most_titles)
            pairs, accounts = await _numbered(recommendations.watchings(connection), works)
        data = await learning.learn(pairs, works)
        async with self._database.write() as connection:
            await recommendations.save(connection, Model(new_id(self._clock), accounts, len(works), data))
        log.info("recommendations were learnt", accounts=accounts, titles=len(works))

    async def _tell(self, training: Training) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            with contextlib.suppress(Unavailable):  # it is told again soon
                async with self._database.write() as connection:
                    await trainings.tell(connection, training.begun_at, self._clock())

    async def _let_go(self, training: Training) -> None:
        """Leave it to whoever looks next, such as this process when it has been started again."""
        with contextlib.suppress(Unavailable):  # then it is taken up a little later
            async with self._database.write() as connection:
                await trainings.tell(connection, training.begun_at, 0.0)


async def _numbered(
    watchings: AsyncIterator[Sequence[tuple[str, str]]], works: Sequence[str]
) -> tuple["array[int]", int]:
    """The pairs of an account and one of these works, as numbers one after the other; and how many accounts."""
    numbers = {work_id: number for number, work_id in enumerate(works)}
    accounts: dict[str, int] = {}
    pairs = array("q")
    async for rows in watchings:
        for account_id, work_id in rows:
            if work_id in numbers:
                pairs.append(accounts.setdefault(account_id, len(accounts)))
                pairs.append(numbers[work_id])
    return pairs, len(accounts)
