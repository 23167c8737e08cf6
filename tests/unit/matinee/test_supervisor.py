"""What becomes of a child that does not stop when it is asked to."""

import asyncio

import pytest

from matinee import supervisor
from matinee.supervisor import Child

pytestmark = pytest.mark.anyio


class LateProcess:
    """Ends in the very moment in which patience with it ends: there is nobody to kill any more."""

    returncode = None

    def __init__(self) -> None:
        self.has_ended = False

    def terminate(self) -> None:
        """Not heeded."""

    async def wait(self) -> int:
        if not self.has_ended:
            await asyncio.Event().wait()
        return 0

    def kill(self) -> None:
        self.has_ended = True
        raise ProcessLookupError


async def test_a_child_that_ends_before_it_is_killed_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.01)
    child, process = Child("worker", {}, None), LateProcess()
    child._process = process  # type: ignore[assignment]
    await child.stop()
    assert process.has_ended
