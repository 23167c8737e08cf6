"""Measures that are taken when Prometheus asks, and cost nothing in between: read where they are kept, or sampled."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

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


class Sampled(Collector):
    """A gauge that is looked up somewhere else, by its labels; it is missing while that cannot be done."""

    def __init__(self, registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = labels
        self._values = dict[tuple[str, ...], float]()
        registry.register(self)

    def set(self, value: float, *labels: str) -> None:
        """Show what was found."""
        self._values[labels] = value

    def forget(self) -> None:
        """Show nothing until there is something to show again."""
        self._values.clear()

    def collect(self) -> Iterator[Metric]:
        """The measure as Prometheus reads it."""
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


@contextmanager
def looked_up(*sampled: Sampled) -> Iterator[None]:
    """Look these up inside: what fails, or is cut off, leaves none of them as it was."""
    try:
        yield
    except BaseException:
        for each in sampled:
            each.forget()
        raise


def add_reading(registry: CollectorRegistry, name: str, meaning: str, read: Read) -> None:
    """Have a number read whenever Prometheus asks."""
    registry.register(Reading(name, meaning, "", {"": read}))


def add_readings(registry: CollectorRegistry, name: str, meaning: str, label: str, reads: Mapping[str, Read]) -> None:
    """Have several numbers read, each with its value of the label."""
    registry.register(Reading(name, meaning, label, reads))
