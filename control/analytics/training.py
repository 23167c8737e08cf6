"""Training: recommendations are learnt anew from the history, on a schedule and on demand."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from control.analytics import affinity
from control.database import Database, recommendations
from control.database.recommendations import Model
from control.identifiers import new_id
from matinee.errors import Unavailable
from matinee.settings import RecommendationSettings
from matinee.tokens import Clock

ROUND_SECONDS = 60.0
RECENT_SECONDS = 28 * 86_400.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """From how much was learnt, and how long it took."""

    accounts: int
    titles: int
    seconds: float


class Training:
    """Learns, in a thread; whoever asks while that goes on waits for it too."""

    def __init__(self, database: Database, settings: RecommendationSettings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._going_on: asyncio.Task[Outcome] | None = None

    async def run(self) -> None:
        """Learn whenever it is due, until cancelled."""
        try:
            while True:
                try:
                    await self.make_round()
                except Unavailable as error:
                    log.warning("recommendations will be learnt later", reason=str(error))
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            if self._going_on is not None:
                self._going_on.cancel()

    async def make_round(self) -> None:
        """Learn if it is due, and no other process has just done it. Raises `Unavailable`."""
        async with self._database.alone("training"):
            async with self._database.read() as connection:
                _, trained_at = await recommendations.version(connection)
            if self._clock() >= trained_at + self._settings.train_hours * 3_600:
                await self.train()

    async def train(self) -> Outcome:
        """Learn now. It goes on when the caller is cancelled. Raises `Unavailable` when the database is away."""
        if self._going_on is None or self._going_on.done():
            self._going_on = asyncio.create_task(self._learn())
        return await asyncio.shield(self._going_on)

    async def _learn(self) -> Outcome:
        began = self._clock()
        async with self._database.read() as connection:
            works = await recommendations.popular(connection, began - RECENT_SECONDS, self._settings.most_titles)
            pairs, accounts = await _numbered(recommendations.watchings(connection), works)
        data = await asyncio.to_thread(_taught, pairs, works)
        async with self._database.write() as connection:
            model = Model(new_id(self._clock), began, accounts, len(works), data)
            await recommendations.save(connection, model)
        outcome = Outcome(accounts, len(works), self._clock() - began)
        log.info("recommendations were learnt", accounts=accounts, titles=len(works), seconds=outcome.seconds)
        return outcome


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


def _taught(pairs: "array[int]", works: Sequence[str]) -> bytes:
    return affinity.encode(affinity.learn(np.array(pairs, dtype=np.int64), works))
