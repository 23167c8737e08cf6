"""Whether a service can do its work, and if not, what it lacks. To live is something else: a process that answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from matinee.errors import MatineeError, Unavailable

REMEMBERED_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
"""Shorter than the health checks of docker-compose.yml wait: a control whose bus hangs is ready, and must say so."""
STARTING = "it is starting"
STOPPING = "it is stopping"

Check = Callable[[], Awaitable[object]]
"""Looks whether a dependency is there. Raises an error of `matinee.errors` when it is not."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a service leans on; without what is `required` it is not ready, without the rest it does less."""

    check: Check
    required: bool


class Readiness:
    """What keeps a service from its work, asked of its dependencies at most once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._dependencies: dict[str, Dependency] = {}
        self._reasons: dict[str, str] = {}
        self._phase = STARTING

    def depend(self, name: str, check: Check, *, required: bool = True) -> None:
        """Name a dependency."""
        self._dependencies[name] = Dependency(check, required)

    def serve(self) -> None:
        """Note that the service has started: from now on it is as ready as its dependencies."""
        self._phase = ""

    def stop(self) -> None:
        """Note that the service is about to stop: nobody shall send it anything new."""
        self._phase = STOPPING

    async def reasons(self) -> Mapping[str, str]:
        """Why each dependency is not there; empty where it is."""
        async with self._lock:
            is_old = self._clock() >= self._asked_at + REMEMBERED_SECONDS
            if is_old or self._reasons.keys() != self._dependencies.keys():
                asked = dict(self._dependencies)  # a service that starts names more of them meanwhile
                looks = (self._look(dependency.check) for dependency in asked.values())
                self._reasons = dict(zip(asked, await asyncio.gather(*looks), strict=True))
                self._asked_at = self._clock()
        return self._reasons

    async def faults(self) -> list[str]:
        """One sentence for each thing that is missing; empty when the service is ready."""
        reasons = await self.reasons()
        missing = [f"{name}: {why}" for name, why in reasons.items() if why and self._dependencies[name].required]
        return [self._phase, *missing] if self._phase else missing

    async def _look(self, check: Check) -> str:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await check()
        except TimeoutError:
            return f"it did not answer within {PATIENCE_SECONDS:g} s"
        except MatineeError as error:
            return str(error) or Unavailable.__name__
        return ""
