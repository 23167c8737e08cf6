"""An edge on its stream to control, as far as it listens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.control_house import House


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[Any]:
    """The stream of an edge, which has told of no session."""
    call = house.edges.Connect(metadata=house.service)
    try:
        await call.read()
        yield call
    finally:
        call.cancel()


async def revoked(call: Any) -> list[tuple[str, str]]:
    """The sessions of which an edge hears next that they have ended, and why."""
    return [(one.session_id, one.reason) for one in (await call.read()).revoked]
