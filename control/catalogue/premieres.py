"""What time does to titles: those that were published before their window opened are announced when it does."""

from dataclasses import dataclass

from control.catalogue.publication import announce
from control.database import Database, premieres
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
        while await self._batch() == BATCH:
            continue

    async def _batch(self) -> int:
        async with self.database.write() as connection:
            found = await premieres.due(connection, self.clock(), BATCH)
            for title in found:
                await announce(connection, title, self.clock)
        return len(found)
