"""Hot bytes in memory: blocks of immutable objects, least recently used first out.

Keys are the store's; a token or a CMCD argument is never part of one, so two viewers of one segment share its blocks.
Reads of the same missing block are one read of the store (single flight): it goes on as long as anybody waits for it,
whoever asked first, and is cancelled when nobody does. A failed read is tried again a few times; a short body is a
failure and is never kept.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from matinee.errors import DataLoss, Unavailable

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.05

BlockName = tuple[str, int]
"""The key of an object and the number of a block in it."""


class RangeReader(Protocol):
    """What the cache needs of an object store."""

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes of an object from `start` to before `end`."""
        ...


@dataclass(slots=True)
class Flight:
    """One read of neighbouring blocks that is under way, and how many wait for it."""

    first: int
    task: asyncio.Task[list[bytes]]
    waiting: int = 0


class BlockCache:
    """Blocks of `block_bytes` from the store, at most `budget` bytes of them."""

    def __init__(self, store: RangeReader, budget: int, block_bytes: int) -> None:
        self._store = store
        self.budget = budget
        self._block_bytes = block_bytes
        self._blocks: OrderedDict[BlockName, bytes] = OrderedDict()
        self._flights: dict[BlockName, Flight] = {}
        self.used = 0
        """Bytes that are kept now."""
        self.hits = self.misses = 0
        """Blocks that were asked for and were here, or were not."""

    def ready(self, key: str, start: int, end: int) -> list[memoryview] | None:
        """The bytes from `start` to before `end` as views of cached blocks; None when one is missing."""
        size = self._block_bytes
        first, last = start // size, (end - 1) // size
        parts = []
        for number in range(first, last + 1):
            block = self._blocks.get((key, number))
            if block is None:
                return None
            self._blocks.move_to_end((key, number))
            parts.append(memoryview(block)[max(start - number * size, 0) : end - number * size])
        self.hits += len(parts)
        return parts

    async def read(self, key: str, object_size: int, start: int, end: int) -> list[memoryview]:
        """The bytes from `start` to before `end` of an object, read where they are missing.

        Raises `NotFound`, and `Unavailable` or `DataLoss` when the store failed several times.
        """
        if views := self.ready(key, start, end):
            return views
        size = self._block_bytes
        numbers = range(start // size, (end - 1) // size + 1)
        kept, flights = self._board(key, object_size, numbers)
        try:
            for flight in flights:
                blocks = await asyncio.shield(flight.task)
                kept |= {flight.first + i: block for i, block in enumerate(blocks)}
        finally:
            for flight in flights:
                self._leave(flight)
        return [memoryview(kept[n])[max(start - n * size, 0) : end - n * size] for n in numbers]

    def _board(self, key: str, object_size: int, numbers: range) -> tuple[dict[int, bytes], list[Flight]]:
        """The blocks that are here, and a seat on every flight that brings another; new flights where none does."""
        kept: dict[int, bytes] = {}
        flights: list[Flight] = []
        missing: list[int] = []
        for number in numbers:
            name = (key, number)
            flight = self._flights.get(name)
            if name in self._blocks:
                kept[number] = self._blocks[name]
                self.hits += 1
                continue
            self.misses += 1
            if flight is None or flight.task.cancelling():
                missing.append(number)
            elif flight not in flights:
                flights.append(flight)
        flights += [self._depart(key, object_size, run) for run in _runs(missing)]
        for flight in flights:
            flight.waiting += 1
        return kept, flights

    def _depart(self, key: str, object_size: int, run: range) -> Flight:
        flight = Flight(run.start, asyncio.create_task(self._fetch(key, object_size, run)))
        names = [(key, number) for number in run]
        self._flights.update(dict.fromkeys(names, flight))

        def arrived(task: asyncio.Task[list[bytes]]) -> None:
            for name in names:
                if self._flights.get(name) is flight:
                    del self._flights[name]
            if not task.cancelled() and task.exception() is None:
                for name, block in zip(names, task.result(), strict=True):
                    self._keep(name, block)

        flight.task.add_done_callback(arrived)
        return flight

    def _leave(self, flight: Flight) -> None:
        flight.waiting -= 1
        if flight.waiting == 0 and not flight.task.done():
            flight.task.cancel()

    async def _fetch(self, key: str, object_size: int, run: range) -> list[bytes]:
        size = self._block_bytes
        start, end = run.start * size, min(run.stop * size, object_size)
        body = await self._read_again(key, start, end)
        if len(run) == 1:
            return [body]
        return [body[i : i + size] for i in range(0, len(body), size)]

    async def _read_again(self, key: str, start: int, end: int) -> bytes:
        for attempt in range(ATTEMPTS):
            try:
                body = await self._store.get_range(key, start, end)
                if len(body) == end - start:
                    return body
                failure: Exception = DataLoss(f"{key}: {end - start} bytes were asked for and {len(body)} came")
            except (Unavailable, DataLoss) as error:
                failure = error
            if attempt + 1 < ATTEMPTS:
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        raise failure

    def _keep(self, name: BlockName, block: bytes) -> None:
        replaced = self._blocks.pop(name, b"")
        self._blocks[name] = block
        self.used += len(block) - len(replaced)
        while self.used > self.budget:
            _, evicted = self._blocks.popitem(last=False)
            self.used -= len(evicted)


def _runs(numbers: list[int]) -> list[range]:
    """Neighbouring numbers joined into ranges."""
    runs: list[range] = []
    for number in numbers:
        if runs and runs[-1].stop == number:
            runs[-1] = range(runs[-1].start, number + 1)
        else:
            runs.append(range(number, number + 1))
    return runs
