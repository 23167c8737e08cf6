"""What control says of itself by grpc.health.v1, while its database comes and goes."""

import asyncio

import pytest
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from control.health import FAILURES, Health
from matinee.errors import Unavailable

pytestmark = pytest.mark.anyio


class Answers:
    """A database that answers, or not, or never, as a test says."""

    reason = ""
    hangs = False

    async def check(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.reason:
            raise Unavailable(self.reason)


class Watched:
    """A control, and what it says."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.state = health.aio.HealthServicer()
        self.health = Health(self.state, self.answers.check)

    async def says(self, *, after: int) -> str:
        """What it says after so many more looks."""
        for _ in range(after):
            await self.health.look()
        answer = await self.state.Check(HealthCheckRequest(), None)
        return str(HealthCheckResponse.ServingStatus.Name(answer.status))


async def test_one_look_that_fails_sends_nobody_away() -> None:
    control = Watched()
    control.answers.reason = "it is slow"
    assert await control.says(after=FAILURES - 1) == "SERVING"
    control.answers.reason = ""
    assert await control.says(after=1) == "SERVING"
    control.answers.reason = "it is slow again"
    assert await control.says(after=FAILURES - 1) == "SERVING"


async def test_without_a_database_control_does_not_serve_and_with_it_it_does_at_once() -> None:
    control = Watched()
    control.answers.reason = "the database does not answer; try again"
    assert await control.says(after=FAILURES) == "NOT_SERVING"
    assert await control.says(after=5) == "NOT_SERVING"
    control.answers.reason = ""
    assert await control.says(after=1) == "SERVING"


async def test_a_database_that_never_answers_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.health.PATIENCE_SECONDS", 0)
    control = Watched()
    control.answers.hangs = True
    assert await control.says(after=FAILURES) == "NOT_SERVING"


async def test_a_control_that_stops_never_serves_again() -> None:
    control = Watched()
    await control.state.enter_graceful_shutdown()
    assert await control.says(after=1) == "NOT_SERVING"
