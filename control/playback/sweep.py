"""What time does to playback sessions: stretches end when their player has vanished, sessions when they expire."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from control.database import Connection, Database, playback_sessions
from control.playback.ending import keep_all
from control.playback.session import PlaybackSession, Turn, cut_off, lapsed
from matinee.tokens import Clock

BATCH = 200
"""Sessions in one transaction, so that nobody waits long for it."""

Find = Callable[[Connection], Awaitable[list[PlaybackSession]]]
Change = Callable[[PlaybackSession], tuple[PlaybackSession, list[Turn]]]


@dataclass(frozen=True)
class Sweep:
    """A round over the sessions that time has changed."""

    database: Database
    idle_seconds: float
    clock: Clock

    async def __call__(self) -> None:
        """Make the round. Raises `Unavailable` when the database does not answer."""
        now = self.clock()
        await self._change(
            lambda connection: playback_sessions.vanished(connection, now - self.idle_seconds, BATCH),
            lambda session: lapsed(session, now, idle=0),
        )
        await self._change(lambda connection: playback_sessions.expired(connection, now, BATCH), cut_off)
        async with self.database.write() as connection:
            await playback_sessions.forget_expired(connection, now)

    async def _change(self, find: Find, change: Change) -> None:
        async def work(connection: Connection) -> int:
            found = await find(connection)
            await keep_all(connection, [change(session) for session in found], self.clock)
            return len(found)

        while await self.database.transact(work) == BATCH:
            continue
