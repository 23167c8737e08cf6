"""Recommendations: what a viewer might like of what they may watch now, and why.

First what speaks for by what they watched, then what is popular, then what is new. It is about works: films, and series
of which an episode can be played. What was watched, or is a series of which an episode was, is never recommended.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from control.analytics import affinity
from control.analytics.affinity import Affinity, Suggestion
from control.callers import Caller
from control.catalogue.visibility import visible
from control.database import Connection, Database, plans, recommendations, titles
from control.database.recommendations import Part
from control.database.titles import Title
from control.subscriptions import ledger
from control.subscriptions.entitlement import Standing, Wanted, refusal
from matinee.tokens import Clock

LOOKED_AT = 300
"""The works that an account watched last: others say nothing of what it likes now."""
BATCH = 400
NEWEST_PAGES = 3
"""How many batches of the newest titles are searched for what the viewer may watch."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A film or series, and what the viewer watched that speaks most for it; None when it is popular, or new."""

    title: Title
    because: Title | None


class Recommendations:
    """Keeps what was learnt last in memory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._version = ""
        self._affinity = Affinity()

    async def recommend(self, viewer: Caller, size: int) -> list[Recommendation]:
        """Up to `size` recommendations, best first. Raises `Unavailable` when the database is away."""
        now = self._clock()
        async with self._database.read() as connection:
            learnt = await self._current(connection)
            watched = await recommendations.watched(connection, viewer.account_id)
            known = await titles.among(connection, watched[:LOOKED_AT])
            nameable = frozenset(title.title_id for title in known.values() if visible(title, now))
            suggested = await asyncio.to_thread(learnt.suggest, watched[:LOOKED_AT], nameable)
            popular = (Suggestion(title_id, "") for title_id in learnt.title_ids)
            candidates = _candidates(connection, chain(suggested, popular), now)
            standing = await ledger.standing(connection, viewer.account_id, viewer.role, now)
            found = await _open(connection, candidates, set(watched), standing, size, now)
        return [Recommendation(title, known.get(because_id)) for title, because_id in found]

    async def _current(self, connection: Connection) -> Affinity:
        """What was learnt last, by whichever process."""
        version, _ = await recommendations.version(connection)
        if version != self._version:
            data = await recommendations.load(connection, version)
            learnt = await asyncio.to_thread(affinity.decode, data) if data else Affinity()
            self._affinity, self._version = learnt, version
        return self._affinity
