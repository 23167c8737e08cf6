"""The instruments of one service: its measures, what is sampled before they are read, and whether it is ready."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector

import matinee
from matinee.errors import MatineeError
from matinee.telemetry.expiries import Expiries
from matinee.telemetry.readiness import Readiness

PATIENCE_SECONDS = 5.0
REMEMBERED_SECONDS = 5.0
"""How old samples may be: however many ask, databases and brokers are asked no more often."""

Sample = Callable[[], Awaitable[None]]
"""Sets gauges to what they are now. May raise an error of `matinee.errors`."""

log = structlog.get_logger()


class Instruments:
    """What a service shows its operator; each has a registry of its own, and nothing is shared between two."""

    def __init__(self, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self.readiness = Readiness()
        self.expiries = Expiries(self.registry)
        self._clock = clock
        self._samples: list[Sample] = []
        self._sampling = asyncio.Lock()
        self._sampled_at = float("-inf")
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        build = Gauge("matinee_build_info", "1; which release it is.", ["service", "version"], registry=self.registry)
        build.labels(service, matinee.__version__).set(1)
        self._ready = Gauge(
            "matinee_ready", "1 while the service has all it needs, else 0 (/readyz says why).", registry=self.registry
        )
        self._up = Gauge(
            "matinee_dependency_up", "1 while a dependency answers, else 0.", ["dependency"], registry=self.registry
        )
        self._failures = Gauge(
            "matinee_sample_failed", "1 while gauges cannot be sampled, and are missing.", registry=self.registry
        )

    def sample(self, sample: Sample) -> None:
        """Have gauges sampled before they are read."""
        self._samples.append(sample)

    async def look(self) -> None:
        """Bring up to date what is not counted as it happens."""
        await asyncio.gather(self._look_at_dependencies(), self._sample())

    async def _look_at_dependencies(self) -> None:
        for name, reason in (await self.readiness.reasons()).items():
            self._up.labels(name).set(not reason)
        self._ready.set(not await self.readiness.faults())

    async def _sample(self) -> None:
        async with self._sampling:
            if self._clock() >= self._sampled_at + REMEMBERED_SECONDS:
                failed = await asyncio.gather(*map(_failed, self._samples))
                self._failures.set(any(failed))
                self._sampled_at = self._clock()


async def _failed(sample: Sample) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await sample()
    except (MatineeError, TimeoutError) as error:
        log.info("gauges could not be sampled", reason=str(error) or "it took too long")
        return True
    return False
