"""When the certificates that are in use expire, which may not be those in the files any more."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

NAME = "matinee_certificate_expiry_timestamp_seconds"
MEANING = "When a certificate that is in use expires, as a Unix time."

Read = Callable[[], float | None]
"""The Unix time; None while there is no such certificate."""


class Expiries(Collector):
    """One measure for all certificates of a service, each by the setting that names it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads: dict[str, Read] = {}
        registry.register(self)

    def show(self, setting: str, read: Read) -> None:
        """Have one read whenever Prometheus asks."""
        self._reads[setting] = read

    def collect(self) -> Iterator[Metric]:
        """The measure as Prometheus reads it."""
        family = GaugeMetricFamily(NAME, MEANING, labels=["setting"])
        for setting, read in self._reads.items():
            if (end := read()) is not None:
                family.add_metric([setting], end)
        yield family
