"""Whether a service is ready, by what it leans on."""

import pytest

from matinee.errors import Unavailable
from matinee.telemetry.readiness import Readiness

pytestmark = pytest.mark.anyio


async def test_a_dependency_that_is_named_during_a_look_is_asked_by_the_next() -> None:
    readiness = Readiness(clock=lambda: 0.0)
    readiness.serve()

    async def well() -> None:
        readiness.depend("store", away)

    async def away() -> None:
        raise Unavailable("it is away")

    readiness.depend("scheduler", well)
    assert await readiness.reasons() == {"scheduler": ""}
    assert await readiness.faults() == ["store: it is away"]
