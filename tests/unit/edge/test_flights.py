"""One piece of work for all who ask for the same thing at the same time."""

import asyncio

import pytest

from edge.flights import SingleFlight
from matinee.errors import Unavailable

pytestmark = pytest.mark.anyio


class Work:
    """Counts how often it is begun, and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        return self.begun


async def test_all_who_ask_together_share_one_result() -> None:
    flights, work = SingleFlight[int](), Work()
    waiting = [asyncio.create_task(flights.join("key", work)) for _ in range(200)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*waiting) == [1] * 200


async def test_who_leaves_does_not_stop_it_for_the_others() -> None:
    flights, work = SingleFlight[int](), Work()
    first, second = (asyncio.create_task(flights.join("key", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    work.may_end.set()
    assert await second == 1


async def test_another_key_is_another_flight() -> None:
    flights, work = SingleFlight[int](), Work()
    work.may_end.set()
    assert [await flights.join(key, work) for key in ("one", "two")] == [1, 2]


async def test_a_failure_reaches_all_and_is_not_remembered() -> None:
    flights, work = SingleFlight[int](), Work()
    work.may_end.set()

    async def fail() -> int:
        raise Unavailable("not now")

    outcomes = await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["not now"] * 3
    assert await flights.join("key", work) == 1
