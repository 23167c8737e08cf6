"""What time does to titles: when their window opens they are announced, and when it closes pages hear of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from control.catalogue.publication import announce
from control.database import Connection, Database, premieres, titles
from matinee.tokens import Clock

BATCH = 200
"""Titles in one transaction, so that nobody waits long for it."""


@dataclass(frozen=True)
class Premieres:
    """A round over the titles that viewers have come to see."""

    database: Database
    clock: Clock

    async def __call__(self) -> None:
        """Make the round. Raises `Unavailable` when the database does not answer."""
        while await self.database.transact(self._batch) == BATCH:
            continue

    async def _batch(self, connection: Connection) -> int:
        found = await premieres.due(connection, self.clock(), BATCH)
        for title in found:
            await announce(connection, title, self.clock)
        return len(found)


class Closings:
    """A round over the titles whose window has ended since the last one.

    Every control makes it for the pages that it serves: so nothing is written, and nobody waits for another.
    """

    def __init__(self, database: Database, clock: Clock, withdrawn: Callable[[Sequence[str]], None]) -> None:
        self._database = database
        self._clock = clock
        self._withdrawn = withdrawn
        self._looked_at = clock()

    async def __call__(self) -> None:
        """Make the round. Raises `Unavailable` when the database does not answer."""
        now = self._clock()
        async with self._database.read() as connection:
            closed = await titles.closed(connection, self._looked_at, now)
        self._looked_at = now
        if closed:
            self._withdrawn(closed)
