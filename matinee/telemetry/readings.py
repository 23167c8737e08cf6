"""Measures that somebody keeps already: they are read when Prometheus asks, and cost nothing in between."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

TOTAL = "_total"

Read = Callable[[], float]


class Reading(Collector):
    """One measure: a counter when its name ends in `_total`, else a gauge; by one label, or without."""

    def __init__(self, name: str, meaning: str, label: str, reads: Mapping[str, Read]) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = [label] if label else []
        self._reads = reads

    def collect(self) -> Iterator[Metric]:
        """The measure as Prometheus reads it."""
        kind = CounterMetricFamily if self._name.endswith(TOTAL) else GaugeMetricFamily
        family = kind(self._name.removesuffix(TOTAL), self._meaning, labels=self._labels)
        for value, read in self._reads.items():
            family.add_metric([value] if self._labels else [], read())
        yield family


def add_reading(registry: CollectorRegistry, name: str, meaning: str, read: Read) -> None:
    """Have a number read whenever Prometheus asks."""
    registry.register(Reading(name, meaning, "", {"": read}))


def add_readings(registry: CollectorRegistry, name: str, meaning: str, label: str, reads: Mapping[str, Read]) -> None:
    """Have several numbers read, each with its value of the label."""
    registry.register(Reading(name, meaning, label, reads))
