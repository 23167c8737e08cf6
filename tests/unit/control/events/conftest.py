"""A bus, as control has it, and a viewer who hears of what goes over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from matinee.bus import EventBus
from matinee.event_log import open_event_log
from tests.control_house import House, Metadata, TurnedClock


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def bus(tmp_path: Path, clock: TurnedClock, anyio_backend: str) -> AsyncIterator[EventBus]:
    async with open_event_log(tmp_path / "events.db", clock, retention_seconds=86_400, most_bytes=2**30) as event_log:
        yield event_log


@pytest.fixture
async def viewer(house: House) -> Metadata:
    return await house.person("viewer")
