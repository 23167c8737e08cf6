"""A crew: what it does blocks, and stops when the crew is dismissed."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.crew import Crew
from matinee.errors import Cancelled

pytestmark = pytest.mark.anyio


@pytest.fixture
def crew() -> Iterator[Crew]:
    with ThreadPoolExecutor(1) as executor:
        yield Crew(executor)


async def test_work_gives_its_answer(crew: Crew) -> None:
    def double(number: int, *, check: Callable[[], None]) -> int:
        check()
        return 2 * number

    assert await crew.run(double, 21) == 42


async def test_work_that_asks_now_and_then_has_ended_when_its_crew_is_dismissed(crew: Crew) -> None:
    started = threading.Event()

    def work_until_dismissed(*, check: Callable[[], None]) -> None:
        started.set()
        while True:
            check()
            threading.Event().wait(0.01)

    working = asyncio.create_task(crew.run(work_until_dismissed))
    await asyncio.to_thread(started.wait)
    await crew.dismiss()
    with pytest.raises(Cancelled):
        await working
