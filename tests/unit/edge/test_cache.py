"""The block cache: bytes, budget, and single flight."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import cache
from edge.cache import BlockCache
from matinee.errors import DataLoss, MatineeError, NotFound, Unavailable
from tests.patience import until

pytestmark = pytest.mark.anyio
FILM = bytes(range(256)) * 40
BLOCK = 1000


class Origin:
    """An object store that counts its reads, and waits for `open` before each answer."""

    def __init__(self, failures: list[Exception | bytes] | None = None) -> None:
        self.reads: list[tuple[int, int]] = []
        self.cancelled = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failures = failures or []

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        failure = self.failures.pop(0) if self.failures else FILM[start:end]
        if isinstance(failure, Exception):
            raise failure
        return failure


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "FIRST_PAUSE_SECONDS", 0)


def make(origin: Origin, budget: int = 1_000_000) -> BlockCache:
    return BlockCache(origin, budget, BLOCK)


async def read(blocks: BlockCache, start: int, end: int) -> bytes:
    return b"".join(await blocks.read("film", len(FILM), start, end))


async def test_a_second_read_needs_no_origin() -> None:
    origin = Origin()
    blocks = make(origin)
    assert blocks.ready("film", 10, 2500) is None
    assert await read(blocks, 10, 2500) == FILM[10:2500]
    assert b"".join(blocks.ready("film", 10, 2500) or []) == FILM[10:2500]
    assert origin.reads == [(0, 3000)]


async def test_a_range_in_one_block_is_handed_out_without_a_copy() -> None:
    blocks = make(Origin())
    await read(blocks, 0, 1000)
    first, second = (blocks.ready("film", 100, 900) or [] for _ in range(2))
    assert len(first) == 1
    assert first[0].obj is second[0].obj


async def test_only_missing_blocks_are_read_and_neighbours_in_one_read() -> None:
    origin = Origin()
    blocks = make(origin)
    await read(blocks, 2000, 3000)
    assert await read(blocks, 0, 6000) == FILM[:6000]
    assert origin.reads == [(2000, 3000), (0, 2000), (3000, 6000)]


async def test_two_hundred_clients_cause_one_read() -> None:
    origin = Origin()
    origin.open.clear()
    blocks = make(origin)
    clients = [asyncio.create_task(read(blocks, 0, 3000)) for _ in range(200)]
    await until(lambda: bool(origin.reads))
    origin.open.set()
    assert set(await asyncio.gather(*clients)) == {FILM[:3000]}
    assert origin.reads == [(0, 3000)]


async def test_a_leader_that_leaves_does_not_fail_the_others() -> None:
    origin = Origin()
    origin.open.clear()
    blocks = make(origin)
    clients = [asyncio.create_task(read(blocks, 0, 1000)) for _ in range(3)]
    await until(lambda: bool(origin.reads))
    clients[0].cancel()
    await until(clients[0].done)
    origin.open.set()
    assert await asyncio.gather(*clients[1:]) == [FILM[:1000]] * 2
    assert len(origin.reads) == 1


async def test_a_read_that_nobody_waits_for_is_cancelled() -> None:
    origin = Origin()
    origin.open.clear()
    blocks = make(origin)
    clients = [asyncio.create_task(read(blocks, 0, 1000)) for _ in range(3)]
    await until(lambda: bool(origin.reads))
    for client in clients:
        client.cancel()
    await until(lambda: origin.cancelled == 1)
    origin.open.set()
    assert await read(blocks, 0, 1000) == FILM[:1000]


@pytest.mark.parametrize("failure", [Unavailable("down"), DataLoss("short"), FILM[:999]])
async def test_a_failed_read_is_tried_again(failure: Exception | bytes) -> None:
    origin = Origin([failure, failure])
    assert await read(make(origin), 0, 1000) == FILM[:1000]
    assert len(origin.reads) == 3


@pytest.mark.parametrize("failure", [Unavailable("down"), FILM[:999]])
async def test_tries_are_bounded_and_failures_are_not_kept(failure: Exception | bytes) -> None:
    origin = Origin([failure] * cache.ATTEMPTS)
    blocks = make(origin)
    with pytest.raises(MatineeError):
        await read(blocks, 0, 1000)
    assert (len(origin.reads), blocks.used) == (cache.ATTEMPTS, 0)
    assert await read(blocks, 0, 1000) == FILM[:1000]


async def test_a_read_that_fails_for_two_hundred_clients_is_tried_as_often_as_for_one() -> None:
    origin = Origin([Unavailable("down")] * cache.ATTEMPTS)
    origin.open.clear()
    blocks = make(origin)
    clients = [asyncio.create_task(read(blocks, 0, 1000)) for _ in range(200)]
    await until(lambda: bool(origin.reads))
    origin.open.set()
    outcomes = await asyncio.gather(*clients, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert len(origin.reads) == cache.ATTEMPTS


async def test_what_does_not_exist_is_not_asked_for_again() -> None:
    origin = Origin([NotFound("gone")])
    with pytest.raises(NotFound):
        await read(make(origin), 0, 1000)
    assert len(origin.reads) == 1


async def test_the_budget_holds_and_the_least_recently_used_goes_first() -> None:
    origin = Origin()
    blocks = make(origin, budget=3 * BLOCK)
    for start in (0, 1000, 2000):
        await read(blocks, start, start + 1000)
    assert blocks.ready("film", 0, 1000)
    await read(blocks, 3000, 4000)
    assert blocks.used == 3 * BLOCK
    assert blocks.ready("film", 0, 1000)
    assert blocks.ready("film", 1000, 2000) is None


async def test_a_range_larger_than_the_budget_is_still_served() -> None:
    blocks = make(Origin(), budget=BLOCK)
    assert await read(blocks, 0, len(FILM)) == FILM
    assert blocks.used <= BLOCK


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, len(FILM) - 1), st.integers(1, 4000)), max_size=8), st.integers(0, 12_000))
def test_any_sequence_of_ranges_is_served_exactly(wanted: list[tuple[int, int]], budget: int) -> None:
    async def play() -> None:
        blocks = make(Origin(), budget)
        for start, length in wanted:
            end = min(start + length, len(FILM))
            assert await read(blocks, start, end) == FILM[start:end]
            assert blocks.used <= budget

    asyncio.run(play())
