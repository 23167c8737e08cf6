"""A stop is heard by what goes on in the background, even when it comes at the very moment of news."""

import asyncio

import pytest

from control.database import Database
from control.events.relay import Relay
from control.playback.announcer import Announcer
from matinee.bus import EventBus
from tests.control_house import TurnedClock
from tests.patience import until

pytestmark = pytest.mark.anyio

MOMENTS = range(8)
SOON = 5.0


async def ended(task: "asyncio.Task[None]") -> None:
    """Wait until a task that was cancelled once is over; it is cancelled again if that takes too long."""
    try:
        await until(task.done, SOON)
    finally:
        task.cancel()


async def unheard(*_: object) -> None:
    """Nobody cares."""


@pytest.mark.parametrize("turns", MOMENTS)
async def test_the_announcer_stops(database: Database, clock: TurnedClock, turns: int) -> None:
    announcer = Announcer(database, clock, unheard, unheard, grant_seconds=60)
    running = asyncio.create_task(announcer.run())
    await asyncio.sleep(0)
    announcer.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await ended(running)


@pytest.mark.parametrize("turns", MOMENTS)
async def test_the_relay_stops(database: Database, bus: EventBus, turns: int) -> None:
    running = asyncio.create_task(Relay(database, bus).run())
    async with database.write():
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await ended(running)
