"""Pauses between attempts, each twice as long as the one before."""

import asyncio

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 5.0


class Backoff:
    """The pauses of one undertaking."""

    def __init__(self) -> None:
        self._pause = FIRST_SECONDS

    def reset(self) -> None:
        """It went well: the next pause is the shortest again."""
        self._pause = FIRST_SECONDS

    def take(self) -> float:
        """How long the next pause is, in seconds."""
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_SECONDS)
        return pause

    async def wait(self) -> None:
        """Pause."""
        await asyncio.sleep(self.take())
