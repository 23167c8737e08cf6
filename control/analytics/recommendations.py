"""Recommendations: what a viewer might like of what they may watch now, and why.

First what speaks for by what they watched, then what is popular now, then what ever was, then what is new. It is about
works: films, and series of which an episode can be played. What was watched, or is a series of which an episode was,
is never recommended.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from control.analytics import affinity
from control.analytics.affinity import Affinity, Suggestion
from control.analytics.plays import DAY_SECONDS
from control.callers import Caller
from control.catalogue.visibility import visible
from control.database import Connection, Database, recommendations, titles
from control.database.recommendations import Part
from control.database.titles import Title
from control.subscriptions import ledger
from control.subscriptions.entitlement import Standing, Wanted, refusal
from control.subscriptions.plan import Plan
from matinee.tokens import Clock

LOOKED_AT = 300
"""The works that an account watched last: others say nothing of what it likes now."""
BATCH = 400
POPULAR_DAYS = 28
POPULAR = 1_000
"""So many of the most popular works are looked through for what the viewer may watch."""
FRESH_SECONDS = 60.0
"""So long what is popular is not asked for again."""
NEWEST_PAGES = 3
"""How many batches of the newest titles are searched for what the viewer may watch."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A film or series, and what the viewer watched that speaks most for it; None when it is popular, or new."""

    title: Title
    because: Title | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """For whom is chosen, and at which moment."""

    standing: Standing
    now: float


class Recommendations:
    """Keeps what was learnt last in memory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._version = ""
        self._affinity = affinity.NOTHING
        self._popular: Sequence[str] = ()
        self._popular_until = 0.0

    async def recommend(self, person: Caller, size: int) -> list[Recommendation]:
        """Up to `size` recommendations, best first. Raises `Unavailable` when the database is away."""
        now = self._clock()
        async with self._database.read() as connection:
            learnt = await self._current(connection)
            watched = await recommendations.watched(connection, person.account_id)
            known = await titles.among(connection, watched[:LOOKED_AT])
            nameable = frozenset(title.title_id for title in known.values() if visible(title, now))
            suggested = await asyncio.to_thread(learnt.suggest, watched[:LOOKED_AT], nameable)
            popular = chain(await self._popular_lately(connection, now), learnt.title_ids)
            unreasoned = (Suggestion(title_id, "") for title_id in popular)
            candidates = _candidates(connection, chain(suggested, unreasoned), now)
            standing = await ledger.standing(connection, person.account_id, person.role, now)
            found = await _open(connection, candidates, set(watched), Viewer(standing, now), size)
        return [Recommendation(title, known.get(because_id)) for title, because_id in found]

    async def _current(self, connection: Connection) -> Affinity:
        """What was learnt last, by whichever process."""
        version = await recommendations.version(connection)
        if version != self._version:
            data = await recommendations.load(connection, version)
            learnt = await asyncio.to_thread(affinity.decode, data) if data else affinity.NOTHING
            self._affinity, self._version = learnt, version
        return self._affinity

    async def _popular_lately(self, connection: Connection, now: float) -> Sequence[str]:
        """What is popular, or was a while ago: whoever asks while it is looked up gets what was known before."""
        if now >= self._popular_until:
            before, self._popular_until = self._popular_until, now + FRESH_SECONDS
            try:
                self._popular = await popular_now(connection, now)
            except BaseException:  # cancelled, too
                self._popular_until = before
                raise
        return self._popular


async def popular_now(connection: Connection, now: float) -> Sequence[str]:
    """What most accounts played in the last days, the most popular first."""
    today = int(now // DAY_SECONDS)
    return await recommendations.popular(connection, today - POPULAR_DAYS + 1, today, POPULAR)


async def _candidates(
    connection: Connection, learnt: Iterable[Suggestion], now: float
) -> AsyncIterator[Sequence[Suggestion]]:
    """What was learnt, and then the newest, some at a time."""
    learnt = iter(learnt)
    while batch := list(islice(learnt, BATCH)):
        yield batch
    before = ""
    for _ in range(NEWEST_PAGES):
        found = await recommendations.newest(connection, before, BATCH, now)
        if not found:
            return
        yield [Suggestion(title_id, "") for title_id in found]
        before = found[-1]


async def _open(
    connection: Connection,
    candidates: AsyncIterator[Sequence[Suggestion]],
    passed_over: set[str],
    viewer: Viewer,
    size: int,
) -> list[tuple[Title, str]]:
    """The first `size` candidates that the viewer may watch, each once, and why."""
    chosen: list[tuple[Title, str]] = []
    async for batch in candidates:
        fresh: dict[str, str] = {}
        for each in batch:
            if each.title_id not in passed_over:
                fresh.setdefault(each.title_id, each.because_id)
        passed_over |= fresh.keys()
        may = await _watchable(connection, fresh, viewer)
        chosen += [(may[title_id], because_id) for title_id, because_id in fresh.items() if title_id in may]
        if len(chosen) >= size:
            break
    return chosen[:size]


async def _watchable(connection: Connection, work_ids: Collection[str], viewer: Viewer) -> dict[str, Title]:
    """Those of the works that the viewer sees, and of which something can be played with their plan."""
    parts = await recommendations.playable(connection, work_ids, viewer.now)
    needed = {plan_id: await ledger.needed(connection, plan_id) for plan_id in {part.plan_id for part in parts}}
    allowed = {part.work_id for part in parts if not refusal(viewer.standing, _wanted(part, needed[part.plan_id]))}
    known = await titles.among(connection, allowed)
    return {title_id: title for title_id, title in known.items() if visible(title, viewer.now)}


def _wanted(part: Part, plan: Plan | None) -> Wanted:
    return Wanted(part.work_id, plan, tuple(tag for tags in part.tags for tag in json.loads(tags)))
