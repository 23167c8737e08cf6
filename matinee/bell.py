"""A bell wakes everybody who waits for news of a thing that they look at again."""

import asyncio


class Bell:
    """Rings for those who `listen` before they look: so nothing that comes between looking and waiting is missed."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """There is news."""
        self._next.set()
        self._next = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """What is set at the next ring."""
        return self._next
