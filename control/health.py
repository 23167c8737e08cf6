"""What control says of itself by grpc.health.v1: that it serves, while the database answers it.

Callers go to another control then, or are told at once that there is none. To live is something else: whatever it says
here, it answers. One look that fails is no sign: a statement may be slow, and callers shall not go to and fro.
"""

import asyncio

import structlog
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from matinee.errors import Unavailable
from matinee.telemetry.readiness import Check

ALL = ""
"""The name under which the state of a whole server is asked for."""
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
FAILURES = 2
"""So many looks that fail one after the other say that the database is away; one that does not, that it is there."""

log = structlog.get_logger()


class Health:
    """Looks whether what control cannot do without is there, and lets `state` tell."""

    def __init__(self, state: health.aio.HealthServicer, check: Check) -> None:
        self._state = state
        self._check = check
        self._failures = 0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Look once, and tell what has changed."""
        reason = await self._reason()
        if not reason and self._failures >= FAILURES:
            log.info("control serves again")
        self._failures = self._failures + 1 if reason else 0
        if self._failures == FAILURES:
            log.warning("control does not serve", reason=reason)
        away = self._failures >= FAILURES
        await self._state.set(ALL, HealthCheckResponse.NOT_SERVING if away else HealthCheckResponse.SERVING)

    async def _reason(self) -> str:
        """Why control could not do its work just now; empty when it could."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._check()
        except TimeoutError:
            return f"the database did not answer within {PATIENCE_SECONDS:g} s"
        except Unavailable as error:
            return str(error)
        return ""
